"""Proofs with other people's problems, packages and calls: each module is a script that anyone can run."""
