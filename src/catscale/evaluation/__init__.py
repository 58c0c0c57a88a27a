"""Decoding, scores and translation with a trained model."""
