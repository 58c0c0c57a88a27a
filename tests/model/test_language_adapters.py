"""Adapters of languages and families: the formula against a slow one, whose they are, and what is trained."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor
from torch.nn import Module, Parameter

from catscale.analysis.analyzer import Analyzer
from catscale.analysis.config import AnalysisConfig
from catscale.balancing import TaskBalancer
from catscale.balancing.methods.table import METHODS
from catscale.data.batching import make_batch
from catscale.data.direction import Direction
from catscale.errors import CheckpointError, ConfigError
from catscale.model.check_material import DIRECTIONS, SOURCES, VOCABULARY, batch_of, logits_of
from catscale.model.language_adapters import LanguageAdapters, OwnAdapters
from catscale.model.language_adapters_model import LanguageAdaptersModel
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100
from catscale.model.pretrained import Pretrained
from catscale.model.table import load_model
from tests.model.nllb_folder import write_network
from tests.unchecked import unchecked

SIZES: dict[str, Any] = {
    "preset": "tiny", "width": 8, "heads": 2, "feed_forward": 12, "encoder_layers": 2, "decoder_layers": 2,
    "dropout": 0.0,
}  # fmt: skip
PARTS = ("gain", "shift", "down", "down_bias", "up", "up_bias")


def make(directions: Sequence[Direction] = DIRECTIONS, **settings: Any) -> LanguageAdaptersModel:
    built = LanguageAdapters(**{**SIZES, "bottleneck": 3, **settings}).build(VOCABULARY, directions, 1)
    return cast(LanguageAdaptersModel, built)


def stir(model: LanguageAdaptersModel) -> LanguageAdaptersModel:
    """Move every adapter away from where it starts."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.added_parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=generator))
    return model


def layers_of(model: LanguageAdaptersModel) -> list[tuple[str, Any]]:
    """Side and adapters of each layer, in the order of computation."""
    return [(side, each) for side in ("encoder", "decoder") for each in cast(Any, model.adapters[side])]


def adapt_slowly(h: Tensor, parts: dict[str, Tensor]) -> Tensor:
    """Compute an adapter position by position, number by number."""
    adapted = torch.empty_like(h)
    for place in [(b, t) for b in range(h.shape[0]) for t in range(h.shape[1])]:
        x = h[place].tolist()
        mean = sum(x) / len(x)
        deviation = (sum((value - mean) ** 2 for value in x) / len(x) + 1e-5) ** 0.5
        normed = [
            (value - mean) / deviation * gain + shift
            for value, gain, shift in zip(x, parts["gain"].tolist(), parts["shift"].tolist(), strict=True)
        ]
        hidden = [
            max(0.0, sum(w * v for w, v in zip(row, normed, strict=True)) + bias)
            for row, bias in zip(parts["down"].tolist(), parts["down_bias"].tolist(), strict=True)
        ]
        out = [
            value + sum(w * v for w, v in zip(row, hidden, strict=True)) + bias
            for value, row, bias in zip(x, parts["up"].tolist(), parts["up_bias"].tolist(), strict=True)
        ]
        adapted[place] = torch.tensor(out, dtype=h.dtype)
    return adapted


def slow_logits(model: LanguageAdaptersModel, direction: Direction, owners: dict[str, str]) -> Tensor:
    """Predict with a plain model whose layers are followed by `adapt_slowly`, in float64."""
    plain = M2M100(**SIZES).build_plain(VOCABULARY, 7).double().eval()
    plain.network.load_state_dict(model.base.network.state_dict())
    layers = [*plain.network.model.encoder.layers, *plain.network.model.decoder.layers]

    def hook(parts: dict[str, Tensor]) -> Callable[[Module, Any, Tensor], Tensor]:
        return lambda module, inputs, output: adapt_slowly(output, parts)

    for layer, (side, adapters) in zip(layers, layers_of(model), strict=True):
        parts = {name: getattr(adapters, name)[owners[side]].detach().double() for name in PARTS}
        layer.register_forward_hook(hook(parts))
    return logits_of(plain, direction)


@pytest.mark.parametrize(
    ("language", "direction", "owners"),
    [
        ("target", Direction("tr", "az"), {"encoder": "az", "decoder": "az"}),
        ("source", Direction("tr", "az"), {"encoder": "turkic", "decoder": "turkic"}),
        ("sides", Direction("en", "fr"), {"encoder": "en", "decoder": "fr"}),
        ("sides", Direction("tr", "az"), {"encoder": "turkic", "decoder": "az"}),
    ],
)
def test_logits_are_those_of_a_slow_one_in_float64(language: str, direction: Direction, owners: dict[str, str]) -> None:
    model = stir(make(language=language, families={"turkic": ["tr"]})).double().eval()
    torch.testing.assert_close(logits_of(model, direction), slow_logits(model, direction, owners), rtol=1e-9, atol=1e-9)


def test_before_training_it_is_the_plain_model_bit_for_bit() -> None:
    plain = M2M100(**SIZES).build(VOCABULARY, DIRECTIONS, 1).eval()
    model = make().eval()
    for direction in DIRECTIONS:
        assert logits_of(model, direction).equal(logits_of(plain, direction))
    assert not logits_of(stir(model), DIRECTIONS[0]).equal(logits_of(plain, DIRECTIONS[0]))


def test_counts_are_those_of_the_formula() -> None:
    directions = [Direction("en", f"x{number}") for number in range(7)] + [Direction("x0", "en")]
    for language, encoder, decoder in (("target", 8, 8), ("source", 2, 2), ("sides", 2, 8)):
        settings = LanguageAdapters(preset="base", decoder_layers=4, bottleneck=64, language=unchecked(language))
        plain = M2M100(preset="base", decoder_layers=4).count_parameters(64_000, ())
        each = 2 * 512 * 64 + 64 + 3 * 512
        assert settings.count_parameters(64_000, directions) - plain == (6 * encoder + 4 * decoder) * each
        assert settings.count_parameters(64_000, ()) == plain
    families = LanguageAdapters(**SIZES, bottleneck=3, families={"both": ("az", "fr")})
    model = families.build(VOCABULARY, DIRECTIONS, 1)
    assert sum(p.numel() for p in model.parameters()) == families.count_parameters(VOCABULARY.size, DIRECTIONS)
    assert families.count_parameters(34, DIRECTIONS) < LanguageAdapters(**SIZES, bottleneck=3).count_parameters(
        34, DIRECTIONS
    )


def test_a_family_has_its_adapters_together() -> None:
    sides = make(families={"turkic": ["az", "tr"]}, language="sides")
    en_az, tr_az, en_fr = ({id(p) for p in sides.own_parameters(direction)} for direction in DIRECTIONS)
    encoder = [each for side, each in layers_of(sides) if side == "encoder"]
    assert en_az & en_fr == {id(p) for each in encoder for p in each.list_own("en")}
    assert len(en_az & tr_az) == len(PARTS) * 2  # the decoder's two layers of the family
    assert not tr_az & en_fr
    target = make(families={"both": ["az", "fr"]})
    assert len({tuple(id(p) for p in target.own_parameters(direction)) for direction in DIRECTIONS}) == 1


def test_codes_are_read_as_the_data_s() -> None:
    read = OwnAdapters.model_validate({"families": {"chinese": ["zh-Hans", "zh-Hant"]}})
    assert read.families == {"chinese": ("zh_Hans", "zh_Hant")}


@pytest.mark.parametrize(
    ("families", "message"),
    [
        (
            {"a": ["az"], "b": ["az"]},
            r"families must have a language or more each, and each language once; found az tw",
        ),
        ({"a": []}, r"families must have a language or more each, .*; found none in a"),
        ({"a b": ["az"]}, r"should match pattern"),
        ({"a": ["a z"]}, r"a language's code has letters"),
    ],
)
def test_families_that_are_none(families: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OwnAdapters.model_validate({"families": families})


@pytest.mark.parametrize(
    ("families", "message"),
    [
        (
            {"slavic": ["cz"]},
            r"families must name languages of the data, found cz; those of the data are en, az, tr, fr",
        ),
        ({"fr": ["az", "tr"]}, r"families must not be called like a language that is not in them, found fr; choose"),
    ],
)
def test_families_that_do_not_fit_the_data(families: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(families=families)
    assert make(families={"fr": ["fr", "az"]}).own_parameters(DIRECTIONS[0])


def test_a_direction_without_adapters_and_a_network_without_a_direction_are_refused() -> None:
    model = make(language="sides").eval()
    with pytest.raises(ConfigError, match=r"adapters of az, fr in the decoder, found a direction of 'tr'; translate"):
        model.generator(Direction("en", "tr"))
    with pytest.raises(RuntimeError, match="a model with adapters needs a direction"):
        model.base.predict(batch_of(DIRECTIONS[0]))
    wanted = logits_of(model, DIRECTIONS[0])
    handle = model.base.network.model.decoder.layers[0].fc1.register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.predict(batch_of(DIRECTIONS[2]))
    handle.remove()
    with pytest.raises(RuntimeError, match="needs a direction"):
        model.base.predict(batch_of(DIRECTIONS[0]))
    assert logits_of(model, DIRECTIONS[0]).equal(wanted)


@pytest.mark.parametrize("language", ["target", "sides"])
def test_a_folder_gives_the_same_model_back(language: str, tmp_path: Path) -> None:
    model = stir(make(language=language, families={"turkic": ["az", "tr"]})).eval()
    model.save(tmp_path)
    described = json.loads((tmp_path / "config.json").read_text())
    assert (described["architecture"], described["bottleneck"]) == ("language_adapters", 3)
    assert described["owners"]["decoder"] == {"az": "turkic", "fr": "fr"}
    again = load_model(tmp_path)
    for direction in DIRECTIONS:
        assert logits_of(again, direction).equal(logits_of(model, direction))
    for change in ({"owners": {"encoder": {"az": "az"}}}, {"bottleneck": 0}, {"language": "both"}):
        (tmp_path / "config.json").write_text(json.dumps(described | change))
        with pytest.raises(CheckpointError, match=r"config\.json .*(owners|bottleneck|language)"):
            load_model(tmp_path)


def test_greedy_search_finds_what_the_whole_prefix_predicts() -> None:
    model = stir(make(language="sides")).eval()
    for direction in DIRECTIONS:
        source = batch_of(direction)
        found = model.generator(direction).generate(
            input_ids=source.input_ids, attention_mask=source.attention_mask, max_new_tokens=6, num_beams=1,
            forced_bos_token_id=VOCABULARY.tag(direction.target), do_sample=False,
        )[:, 2:]  # fmt: skip
        for sentence, row in zip(SOURCES, found.tolist(), strict=True):
            target = row[: row.index(2)] if 2 in row else row
            with torch.no_grad():
                logits = model.predict(make_batch([sentence], [target], VOCABULARY, direction)).logits
            assert logits[: len(target)].argmax(1).tolist() == target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_network(tmp_path, VOCABULARY.size)
    return tmp_path


def test_over_a_pre_trained_model_it_begins_as_that_model(folder: Path) -> None:
    plain = Pretrained(pretrained=folder).build(VOCABULARY, DIRECTIONS, 1).eval()
    settings = unchecked(Pretrained)(pretrained=folder, language_adapters={"bottleneck": 4}, freeze=["encoder"])
    model = settings.build(VOCABULARY, DIRECTIONS, 1).eval()
    assert logits_of(model, DIRECTIONS[0]).equal(logits_of(plain, DIRECTIONS[0]))
    assert settings.saved_as == "language_adapters"
    assert "`catscale export` will refuse it" in (settings.note or "")
    assert model.plain(DIRECTIONS[0]) is None


def test_with_the_rest_frozen_methods_compare_the_adapters(folder: Path) -> None:
    settings = unchecked(Pretrained)(
        pretrained=folder, language_adapters={"bottleneck": 4}, freeze=["embeddings", "encoder", "decoder"], dropout=0.0
    )
    model = cast(LanguageAdaptersModel, settings.build(VOCABULARY, DIRECTIONS, 1)).train()
    stir(model)
    assert model.shared_parameters() == []
    compared = model.compared_parameters(DIRECTIONS)
    assert {id(p) for p in compared} == {id(p) for p in model.added_parameters()}
    assert len(compared) == len({id(p) for p in compared})
    assert settings.count_frozen(34) == settings.count_parameters(34, ())
    with pytest.raises(
        ConfigError, match=r"the analysis measures the parameters that all .* share, found none that is"
    ):
        Analyzer(AnalysisConfig(), model, {}, VOCABULARY, {}, 1)
    losses = {str(d): (lambda d=d: batch_losses(model, batch_of(d), 0.0)[0]) for d in (DIRECTIONS[0], DIRECTIONS[2])}
    method = METHODS["pcgrad"]()
    balancer = TaskBalancer(method, list(losses), compared, groups=model.parameter_groups(), module=model)
    result = balancer.backward(unchecked(losses))
    assert result.weights == pytest.approx(dict.fromkeys(losses, 1.0))  # orthogonal: nothing to project away
    balanced = {id(p): p.grad.clone() for p in compared if p.grad is not None}
    for direction in (DIRECTIONS[0], DIRECTIONS[2]):
        model.zero_grad()
        torch.autograd.backward(batch_losses(model, batch_of(direction), 0.0)[0])
        for parameter in model.own_parameters(direction):
            torch.testing.assert_close(balanced[id(parameter)], parameter.grad)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"adapters": {"rank": 2}},
            r"language_adapters has matrices of its own; .*found language_adapters and adapters",
        ),
        ({"routing": {"rank": 2}}, r"routing has matrices of its own; .*found routing and language_adapters"),
    ],
)
def test_what_it_does_not_go_with(folder: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        unchecked(Pretrained)(pretrained=folder, language_adapters={}, **settings)


def train(model: LanguageAdaptersModel, batches: Sequence[Any], parameters: Sequence[Parameter], steps: int) -> float:
    """Train on all batches in each step, and return the mean NLL per token in evaluation mode."""
    optimizer = torch.optim.AdamW(parameters, lr=1e-2, weight_decay=0.0)
    for _ in range(steps):
        optimizer.zero_grad()
        for batch in batches:
            torch.autograd.backward(batch_losses(model.train(), batch, 0.0)[0] / batch.tokens)
        optimizer.step()
    with torch.no_grad():
        return sum(float(batch_losses(model.eval(), batch, 0.0)[0]) / batch.tokens for batch in batches) / len(batches)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_adapters_learn_two_mappings_that_a_frozen_model_cannot_tell_apart() -> None:
    """Two tasks have the same sources and the same first token; only the adapters can map them to different targets."""
    generator = torch.Generator().manual_seed(2)
    lines = torch.randint(5, 25, (8, 4), generator=generator).tolist()
    directions = [Direction("en", "az"), Direction("en", "fr")]

    class OneTag:
        size, bos_id, pad_id, eos_id, unk_id, new_rows = 34, 0, 1, 2, 3, 0

        def tag(self, language: str) -> int:
            return 33

    vocabulary = unchecked(OneTag())
    targets = [lines, [[29 - piece for piece in line] for line in lines]]
    batches = [make_batch(lines, to, vocabulary, d) for to, d in zip(targets, directions, strict=True)]
    sizes = {**SIZES, "width": 32, "feed_forward": 64, "encoder_layers": 1, "decoder_layers": 1}
    built = LanguageAdapters(**sizes, bottleneck=32).build(vocabulary, directions, 1)
    model = cast(LanguageAdaptersModel, built)
    together = train(model, batches, model.shared_parameters(), 150)
    assert together == pytest.approx(math.log(2) / 5, abs=0.02)  # a bit in five tokens: the first tells the others
    apart = train(model, batches, model.added_parameters(), 150)
    assert apart < 0.03
