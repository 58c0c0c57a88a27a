"""The kind `pretrained`: the vocabulary of a model that exists, read from its folder."""
