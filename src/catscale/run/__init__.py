"""A run: its configuration, its folder, and the commands that act on it."""
