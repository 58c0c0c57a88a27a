"""The commands that act on a run."""
