"""Report: what a validation found, as a page for people, JSON for machines, and a model card."""
