"""Experiments on whether balancing serves low-resource languages; see `experiments/README.md`."""
