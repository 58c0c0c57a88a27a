"""A corpus of translations that a model made, beside text that people wrote, to train another model on."""
