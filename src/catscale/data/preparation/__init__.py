"""Preparation: from raw text to a token store."""
