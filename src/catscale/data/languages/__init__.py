"""Codes of languages, and what files and corpora call them."""
