"""The live page of a run or a sweep."""
