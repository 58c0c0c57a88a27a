"""Corpora: where the sentence pairs of a configuration come from."""
