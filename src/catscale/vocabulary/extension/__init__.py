"""New tags, characters and pieces for a tokenizer that exists, and the removal of those that nobody needs."""

from catscale.vocabulary.extension.content import Content, tokenizer_of
from catscale.vocabulary.extension.extend import Extension, extend
from catscale.vocabulary.extension.missing import Lines, MissingCharacters, find_missing, union_of
from catscale.vocabulary.extension.origins import RowOrigins
from catscale.vocabulary.extension.segmentation import SegmentationChange, compare_segmentation
from catscale.vocabulary.extension.trim import Trimmed, trim

__all__ = [
    "Content",
    "Extension",
    "Lines",
    "MissingCharacters",
    "RowOrigins",
    "SegmentationChange",
    "Trimmed",
    "compare_segmentation",
    "extend",
    "find_missing",
    "tokenizer_of",
    "trim",
    "union_of",
]
