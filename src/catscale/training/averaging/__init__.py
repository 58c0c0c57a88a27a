"""Averages of the parameters, which compete with the best single model on dev."""
