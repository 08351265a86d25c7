"""Networks: backbones, pretrained weights, heads, and fitting them to a cohort."""
