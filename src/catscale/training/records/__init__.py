"""What a training run records while it goes."""
