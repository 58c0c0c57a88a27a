"""Beam search, whichever library runs it."""
