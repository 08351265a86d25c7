"""From a checked image object to the numbers a network reads: decode, judge, transform."""
