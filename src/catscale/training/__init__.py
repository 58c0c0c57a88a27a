"""The training loop and what it leaves on the disk."""
