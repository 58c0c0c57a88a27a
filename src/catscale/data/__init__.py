"""Data: corpora and token store.

`prepare` turns a configuration into a `Store`; a `Store` gives `Pairs` of token ids and a `Vocabulary`.
"""

from catscale.data.config import CleaningConfig, DataConfig, HoldoutConfig, SplitNames
from catscale.data.direction import Direction
from catscale.data.preparation.prepare import prepare
from catscale.data.store.store import Pairs, Store

__all__ = [
    "CleaningConfig",
    "DataConfig",
    "Direction",
    "HoldoutConfig",
    "Pairs",
    "SplitNames",
    "Store",
    "prepare",
]
