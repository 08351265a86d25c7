"""One script for each row of the performance table: `python -m validation.benchmarks`."""
