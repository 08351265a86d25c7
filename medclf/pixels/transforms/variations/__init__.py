"""One file per random variation, so that each can be judged for what it does to anatomy."""
