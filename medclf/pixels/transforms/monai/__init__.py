"""The same transforms for those who build pipelines with MONAI, one file each."""
