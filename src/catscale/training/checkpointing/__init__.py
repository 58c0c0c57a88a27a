"""The files that a training run leaves on the disk to continue from."""
