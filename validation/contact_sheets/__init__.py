"""Contact sheets of every kind, before and after the transforms, to be looked at."""
