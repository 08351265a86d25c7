"""Figures: hand-written SVG, deterministic, readable in light, in dark and on paper."""
