"""Cohorts: which images a study rests on, who they come from, and which part each one is in."""
