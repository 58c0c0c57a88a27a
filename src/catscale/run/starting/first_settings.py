"""First settings that follow from the amount of text: rules of thumb, each with its reason in words.

They are where to begin, not what is best: the configuration says so, and every one of them can be changed in it.
"""

import math
from dataclasses import dataclass

from catscale.corpus_statistics.volume import Volume

CHARACTERS = 4.0
"""Characters of a piece, about, in alphabets; fewer where a character is a word."""
EPOCHS = 20
"""Times that a training from nothing sees its text."""
EPOCHS_PRETRAINED = 10
"""Times that a pre-trained model sees its new text."""
FEWEST_STEPS, MOST_STEPS = 500, 100_000
USUAL_STEPS = 5_000
"""Updates that a pre-trained model is given with plenty of text, as in SIL's tool for NLLB (spec: silnlp)."""
BALANCED = 2.0
"""The ratio of the largest direction to the smallest up to which the data are drawn as they come."""
MUCH_DEV = 4_000
"""Dev pairs of all directions up to which a validation takes all of them."""


@dataclass(frozen=True)
class ModelSize:
    """A size of model for an amount of text.

    Attributes:
        below: Train pairs below which it is chosen.
        preset: The name of the sizes.
        pieces: Pieces of the vocabulary.
        batch_tokens: Target tokens of an update.
    """

    below: float
    preset: str
    pieces: int
    batch_tokens: int


SIZES = (
    ModelSize(20_000, "tiny", 2_000, 1_024),
    ModelSize(300_000, "small", 8_000, 4_096),
    ModelSize(3_000_000, "ted", 16_000, 8_192),
    ModelSize(math.inf, "base", 32_000, 16_384),
)
"""Sizes by the train pairs of all directions together."""


@dataclass(frozen=True)
class FirstSettings:
    """Settings to begin with.

    Attributes:
        preset: `model.preset`; it means nothing for a pre-trained model.
        pieces: `vocabulary.size`; neither does this.
        temperature: `sampling.temperature`.
        ratio: Pairs of the largest direction over those of the smallest.
        epochs: Times that the text is seen.
        max_steps: Updates.
        batch_tokens: Target tokens of an update.
        warmup_steps: Updates of rising learning rate.
        validate_every: Updates between validations.
        validate_sentences: Dev pairs of each direction that a validation takes; None for all.
    """

    preset: str
    pieces: int
    temperature: float
    ratio: float
    epochs: float
    max_steps: int
    batch_tokens: int
    warmup_steps: int
    validate_every: int
    validate_sentences: int | None


def choose_settings(volume: Volume, dev_pairs: int, is_pretrained: bool) -> FirstSettings:
    """Choose settings for an amount of text.

    Args:
        volume: The train text, of at least one direction.
        dev_pairs: The dev pairs of all directions.
        is_pretrained: Whether the training starts from a model that exists.
    """
    size = next(each for each in SIZES if volume.total < each.below)
    batch = 2_048 if is_pretrained else size.batch_tokens
    epoch = sum(volume.characters.values()) / CHARACTERS + volume.total
    wanted = (EPOCHS_PRETRAINED if is_pretrained else EPOCHS) * epoch / batch
    steps = round_steps(min(max(wanted, FEWEST_STEPS), USUAL_STEPS if is_pretrained else MOST_STEPS))
    ratio = max(volume.pairs.values()) / min(volume.pairs.values())
    part = max(50, MUCH_DEV // len(volume.pairs)) if dev_pairs > MUCH_DEV else None
    return FirstSettings(
        preset=size.preset,
        pieces=choose_pieces(size.pieces, volume),
        temperature=1.0 if ratio <= BALANCED else 5.0,
        ratio=ratio,
        epochs=steps * batch / epoch,
        max_steps=steps,
        batch_tokens=batch,
        warmup_steps=min(1_000 if is_pretrained else 4_000, steps // 10),
        validate_every=max(50, steps // 10),
        validate_sentences=part,
    )


def choose_pieces(wanted: int, volume: Volume) -> int:
    """Choose a vocabulary that the text can fill: characters and half of its words at most, twice the characters at
    least.

    Args:
        wanted: The usual number for this amount of text.
        volume: The text.

    Example:
        >>> choose_pieces(8_000, Volume({}, {}, alphabet=60, words=900))
        514
    """
    control = 4
    most, least = control + volume.alphabet + volume.words // 2, control + 2 * volume.alphabet
    return max(min(wanted, most), min(least, most), control + volume.alphabet)


def round_steps(steps: float) -> int:
    """Round a number of updates to two digits.

    Example:
        >>> round_steps(12_345.6), round_steps(500)
        (12000, 500)
    """
    scale = 10 ** max(0, int(math.log10(steps)) - 1)
    return int(round(steps / scale) * scale)
