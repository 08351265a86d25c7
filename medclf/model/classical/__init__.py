"""What one would have done before deep learning, to hold a network against."""
