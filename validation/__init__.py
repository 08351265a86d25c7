"""What is needed to believe medclf and not to run it: benchmarks, protocols, reference figures."""
