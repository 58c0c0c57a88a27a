"""Statistics of a corpus before anything is trained on it: sizes, lengths, duplicates, overlap, scripts, imbalance.

`measure` reads a corpus once, file by file, in bounded memory.
"""
