"""Models for other programs: what `catscale export` writes, and the proof that it translates as the run does."""
