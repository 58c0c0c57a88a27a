"""Runs side by side: differences, their significance, and whether they may be compared at all."""
