import pytest

from catscale.corpus_statistics.volume import Volume
from catscale.data.direction import Direction
from catscale.run.starting.first_settings import choose_pieces, choose_settings


def volume_of(*pairs, words=100_000):
    directions = [Direction("en", f"x{n}") for n in range(len(pairs))]
    sizes = dict(zip(directions, pairs, strict=True))
    return Volume(sizes, {d: 40 * n for d, n in sizes.items()}, alphabet=100, words=words)


@pytest.mark.parametrize(
    ("pairs", "preset", "pieces"),
    [(5_000, "tiny", 2_000), (20_000, "small", 8_000), (500_000, "ted", 16_000), (9_000_000, "base", 32_000)],
)
def test_the_size_follows_the_text(pairs, preset, pieces):
    chosen = choose_settings(volume_of(pairs), 0, False)
    assert (chosen.preset, chosen.pieces) == (preset, pieces)


def test_the_length_is_that_of_some_epochs_within_bounds():
    chosen = choose_settings(volume_of(200_000), 0, False)  # 11 tokens a sentence with its end
    assert chosen.max_steps == 11_000  # 20 · 2.2 million / 4096, two digits
    assert chosen.epochs == pytest.approx(20.48)
    assert chosen.warmup_steps == chosen.validate_every == 1_100
    assert choose_settings(volume_of(10), 0, False).max_steps == 500
    assert choose_settings(volume_of(10**9), 0, False).max_steps == 100_000


def test_a_pre_trained_model_has_the_usual_length_at_most():
    chosen = choose_settings(volume_of(10**7), 0, True)
    assert (chosen.max_steps, chosen.batch_tokens, chosen.warmup_steps) == (5_000, 2_048, 500)
    assert choose_settings(volume_of(10_000), 0, True).max_steps == 540


def test_imbalance_is_answered_by_a_temperature():
    assert choose_settings(volume_of(100, 200), 0, False).temperature == 1
    chosen = choose_settings(volume_of(100, 300), 0, False)
    assert (chosen.temperature, chosen.ratio) == (5, 3)


def test_a_large_dev_is_validated_in_part():
    assert choose_settings(volume_of(100, 200), 4_000, False).validate_sentences is None
    assert choose_settings(volume_of(100, 200), 4_001, False).validate_sentences == 2_000


def test_the_vocabulary_fits_into_little_text():
    assert choose_pieces(8_000, volume_of(10, words=40)) == 124  # 4 + 100 characters + 20
    assert choose_pieces(150, volume_of(10, words=10_000)) == 204  # twice the characters
