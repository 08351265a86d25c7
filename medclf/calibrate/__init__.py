"""Turning scores into probabilities, decisions and abstentions, on cases kept for that alone."""
