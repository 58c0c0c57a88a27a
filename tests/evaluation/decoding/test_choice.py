"""What the device decides where settings of decoding leave it open; GPUs are stood in for."""

from types import SimpleNamespace

import pytest
import torch

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding import choice
from catscale.evaluation.decoding.batches import plan_batches
from catscale.evaluation.decoding.choice import settle_search
from catscale.evaluation.decoding.contract import Wanted
from catscale.evaluation.decoding.loading import load_decoder, load_ensemble
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.evaluation.toy import save, small_model

EN_FR = Direction("en", "fr")
ALL = {"float32", "float16", "bfloat16", "int8", "int8_float16"}


def settle(device: str = "cpu", decoders: tuple[str, ...] = ("ctranslate2", "huggingface"), **settings: object):
    found = settle_search(EvaluationConfig.model_validate(settings), device, decoders)
    return found.backend, found.precision, found.batch_tokens


@pytest.fixture
def computed(monkeypatch) -> dict[str, set[str]]:
    """Formats of CTranslate2 by kind of device, for a machine with one GPU."""
    by_device = {"cpu": {"float32", "int8"}, "cuda": set(ALL)}
    asked = SimpleNamespace(
        get_supported_compute_types=lambda kind, index: by_device[kind], get_cuda_device_count=lambda: 1
    )
    monkeypatch.setitem(__import__("sys").modules, "ctranslate2", asked)
    monkeypatch.setattr(choice, "find_spec", lambda name: object())
    return by_device


@pytest.mark.parametrize("has_it", [True, False])
def test_auto_is_float32_on_a_processor_and_a_half_on_a_gpu(computed, monkeypatch, has_it):
    monkeypatch.setattr("catscale.model.autocast.has_bfloat16", lambda device: has_it)
    assert settle() == ("ctranslate2", "float32", 2_048)
    assert settle(backend="huggingface") == ("huggingface", "float32", 2_048)
    assert settle("mps") == ("huggingface", "float32", 2_048)
    assert settle("cuda") == ("ctranslate2", "bfloat16", 16_384)
    expected = "bfloat16" if has_it else "float32"
    assert settle("cuda:1", backend="huggingface") == ("huggingface", expected, 16_384)
    assert settle("cuda", ("huggingface",)) == ("huggingface", expected, 16_384)
    computed["cuda"] = {"float32", "float16", "int8"}
    assert settle("cuda:1")[1] == "float16"
    computed["cuda"] = {"float32"}
    assert settle("cuda")[1] == "float32"


def test_what_is_asked_for_stays_and_settling_again_changes_nothing(computed):
    for precision in ("float32", "float16", "bfloat16", "int8", "int8_float16"):
        settled = settle_search(EvaluationConfig.model_validate({"precision": precision, "batch_tokens": 64}), "cuda")
        assert (settled.precision, settled.batch_tokens) == (precision, 64)
        assert settle_search(settled, "cuda") == settled
    assert settle(backend="huggingface", precision="bfloat16") == ("huggingface", "bfloat16", 2_048)


@pytest.mark.parametrize("precision", ["float16", "bfloat16", "int8_float16"])
def test_a_device_that_does_not_compute_in_a_precision_is_named(computed, precision):
    said = rf"is {precision}, in which CTranslate2 does not compute on the device cpu; allowed here are auto, float32"
    with pytest.raises(ConfigError, match=said):
        settle(precision=precision)


def test_batches_are_as_large_as_the_settings_or_the_processor_say():
    lengths = [14] * 500  # 16 positions each
    sizes = {tokens: len(plan_batches(lengths, EvaluationConfig(batch_tokens=tokens), 64)) for tokens in (None, 16_384)}
    assert sizes == {None: 4, 16_384: 1}  # 128 sentences in 2,048 positions


@pytest.fixture(scope="module")
def words():
    lines = ["a b c d e f g h i j", "k l m n o p q r s t"] * 20
    return train_vocabulary(SentencePieceSettings(size=44), lines, ["en", "fr"])


@pytest.fixture(scope="module")
def folder(words, tmp_path_factory):
    return save(small_model(words, seed=3, init_std=0.3), words, tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize("beam", [1, 3])
def test_generate_in_bfloat16_finds_what_float32_finds_with_nearly_its_log_probability(words, folder, beam):
    sources, wanted = words.encode(["a b c d", "k l", "t s r"]), Wanted(scores=True)
    found = {}
    for precision in ("float32", "bfloat16"):
        settings = EvaluationConfig.model_validate(
            {"backend": "huggingface", "precision": precision, "beam": beam, "max_length": 8}
        )
        decoder = load_decoder(folder, words, settings)
        found[precision] = [each[0] for each in decoder.search(sources, EN_FR, wanted)]
        parameters = {p.dtype for p in unwrap(decoder).parameters()}
        assert parameters == {getattr(torch, precision)}
    for full, half in zip(found["float32"], found["bfloat16"], strict=True):
        assert half.log_probability == pytest.approx(full.log_probability, rel=0.05)
        assert half.log_probability != full.log_probability


def unwrap(decoder) -> torch.nn.Module:
    return decoder.backend._model


def test_an_ensemble_in_bfloat16_of_one_model_twice_is_that_model(words, folder):
    settings = EvaluationConfig.model_validate({"backend": "huggingface", "precision": "bfloat16", "max_length": 8})
    sources = words.encode(["a b c d", "k l"])
    alone = load_decoder(folder, words, settings).translate(sources, EN_FR)
    together = load_ensemble([folder, folder], words, settings)
    assert together.translate(sources, EN_FR) == alone
    assert {p.dtype for p in unwrap(together).parameters()} == {torch.bfloat16}
