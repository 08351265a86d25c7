"""The command line: thin doors over `medclf.api`, nothing more."""
