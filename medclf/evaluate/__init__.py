"""Measuring a classifier on sealed cases: figures, intervals and verdicts fixed beforehand."""
