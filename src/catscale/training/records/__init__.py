"""The records that a training run writes while it goes."""
