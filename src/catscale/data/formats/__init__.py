"""File formats: how sentence pairs are read from one file."""
