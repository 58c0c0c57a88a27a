"""What a corpus holds, before anything is trained on it: sizes, lengths, duplicates, overlap, scripts, imbalance.

`measure` reads a corpus once, a file at a time, in bounded memory.
"""
