"""Benchmarks by name: where their files are, how they become a corpus, and how large that must be.

`table.yaml` is the one table of addresses and checksums; `fetch` does the work.
"""
