"""Data: corpora, vocabulary and token store.

`prepare` turns a configuration into a `Store`; a `Store` gives `Pairs` of token ids and a `Vocabulary`.
"""

from catscale.data.config import CleaningConfig, DataConfig, HoldoutConfig, SplitNames
from catscale.data.direction import Direction
from catscale.data.prepare import prepare
from catscale.data.store import Pairs, Store
from catscale.data.vocabulary import Vocabulary
from catscale.data.vocabulary_training import VocabularyConfig

__all__ = [
    "CleaningConfig",
    "DataConfig",
    "Direction",
    "HoldoutConfig",
    "Pairs",
    "SplitNames",
    "Store",
    "Vocabulary",
    "VocabularyConfig",
    "prepare",
]
