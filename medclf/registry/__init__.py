"""What a model is, who released it, and where it came from."""
