"""A model with adapters: the same at the start, everything else bit for bit afterwards, saved merged and apart."""

import builtins
import json

import pytest
import torch
from safetensors.torch import load_file

from catscale.errors import CheckpointError, ConfigError
from catscale.model import adapted_model as module
from catscale.model.adapted_model import attach, load_adapted
from catscale.model.adapters import AdapterSettings
from catscale.model.check_material import DIRECTIONS, VOCABULARY, batch_of, is_close, logits_of
from catscale.model.m2m100 import M2M100
from catscale.model.saved_tensors import load_tensors

pytest.importorskip("peft", reason="PEFT is not installed")
SIZES = M2M100(
    preset="tiny", encoder_layers=1, decoder_layers=1, width=16, heads=2, feed_forward=24, dropout=0,
    attention_dropout=0, activation_dropout=0,
)  # fmt: skip
SETTINGS = AdapterSettings(rank=2, alpha=4)
NEW = 5
"""Rows of new tokens: those of the four tags, and a piece."""


def plain_model():
    return SIZES.build(VOCABULARY, DIRECTIONS, 1).eval()


def adapted(**settings):
    return attach(plain_model(), SETTINGS.model_copy(update=settings), NEW, 7)


def train(model, steps=5, weight_decay=0.1):
    optimizer = torch.optim.AdamW(model.shared_parameters(), lr=0.01, weight_decay=weight_decay)
    for step in range(steps):
        said = model.predict(batch_of(DIRECTIONS[step % 3]))
        torch.nn.functional.cross_entropy(said.logits, said.labels).backward()
        optimizer.step()
        optimizer.zero_grad()
    return model


@pytest.mark.parametrize("settings", [{}, {"method": "dora"}, {"targets": ("fc1", "fc2", "out_proj", "k_proj")}])
def test_it_begins_as_the_plain_model(settings):
    plain, model = plain_model(), adapted(**settings)
    for direction in DIRECTIONS:
        torch.testing.assert_close(logits_of(model, direction), logits_of(plain, direction), rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", ["lora", "dora"])
def test_training_moves_adapters_and_new_rows_alone(method):
    before = plain_model().network.state_dict()
    model = train(adapted(method=method))
    state = model.network.state_dict()
    for name, tensor in before.items():
        if name in state:
            assert torch.equal(state[name], tensor), name
    for layer in ("encoder.layers.0.self_attn.q_proj", "decoder.layers.0.encoder_attn.v_proj"):
        assert torch.equal(state[f"model.{layer}.base_layer.weight"], before[f"model.{layer}.weight"])
        assert state[f"model.{layer}.lora_B.default.weight"].abs().max() > 0
    old, new = before["lm_head.weight"][:-NEW], before["lm_head.weight"][-NEW:]
    assert torch.equal(state["lm_head.old"], old)
    assert (state["lm_head.new"] != new).any(1).all()
    for place in ("model.shared", "model.encoder.embed_tokens", "model.decoder.embed_tokens"):
        assert torch.equal(state[f"{place}.new"], state["lm_head.new"])


def test_without_new_rows_the_whole_table_stays():
    model = train(attach(plain_model(), SETTINGS, 0, 7))
    assert torch.equal(model.network.lm_head.weight, plain_model().network.lm_head.weight)
    assert {name.split(".")[-3] for name, p in model.named_parameters() if p.requires_grad} == {"lora_A", "lora_B"}


def test_a_method_sees_what_is_trained_by_layer():
    model = adapted()
    groups = model.parameter_groups()
    assert list(groups) == ["embedding", "encoder.0", "decoder.0"]
    assert groups["embedding"] == [model.network.lm_head.new]
    assert {id(p) for members in groups.values() for p in members} == {id(p) for p in model.shared_parameters()}
    assert set(model.module_groups()) == {"E.SA", "D.SA", "D.EA"}
    assert sum(p.numel() for p in model.shared_parameters()) == NEW * 16 + 6 * 2 * (16 + 16)


def test_bf16_predicts_nearly_the_same():
    model = train(adapted())
    exact = logits_of(model, DIRECTIONS[0])
    with torch.autocast("cpu", torch.bfloat16):
        rounded = logits_of(model, DIRECTIONS[0])
    assert (exact - rounded).abs().max() < 0.1


def test_frozen_embeddings_hold_the_new_rows_too():
    plain = plain_model()
    plain.network.model.shared.requires_grad_(False)
    assert not attach(plain, SETTINGS, NEW, 7).network.lm_head.new.requires_grad


def test_an_adapter_on_what_is_frozen_or_not_there_is_refused(monkeypatch):
    plain = plain_model()
    plain.network.model.encoder.requires_grad_(False)
    with pytest.raises(ConfigError, match=r"layers that model\.freeze holds fixed: .*_proj and 1 more; leave"):
        attach(plain, SETTINGS, 0, 1)
    bare = plain_model()
    bare.network.model.encoder.layers = bare.network.model.decoder.layers = torch.nn.ModuleList()
    with pytest.raises(ConfigError, match=r"targets must name layers .*, found q_proj, v_proj, which it lacks"):
        attach(bare, SETTINGS, 0, 1)
    real = builtins.__import__

    def without_peft(name, *rest):
        if name == "peft":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_peft)
    with pytest.raises(ConfigError, match=r"needs PEFT, which is not installed; install catscale\[adapters\]"):
        attach(plain_model(), SETTINGS, 0, 1)


@pytest.mark.parametrize("method", ["lora", "dora"])
def test_a_checkpoint_goes_on_bit_for_bit(tmp_path, method):
    model = train(adapted(method=method))
    model.save(tmp_path)
    read = load_adapted(tmp_path)
    assert not read.training
    assert read.settings == model.settings
    assert [n for n, p in read.named_parameters() if p.requires_grad] == [
        n for n, p in model.named_parameters() if p.requires_grad
    ]
    other = attach(plain_model(), model.settings, NEW, 8)
    other.stored.load_state_dict(load_tensors(tmp_path / "model.safetensors", other.stored), strict=False)
    for one in (read, other):
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), model.parameters(), strict=True))
    ends = [train(one, 3).network.state_dict() for one in (model, read, other)]
    assert all(torch.equal(ends[0][name], end[name]) for end in ends[1:] for name in ends[0])


def test_a_damaged_checkpoint_is_refused(tmp_path):
    adapted().save(tmp_path)
    path = tmp_path / "config.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"adapters": {"rank": 0}}))
    with pytest.raises(CheckpointError, match=r"rank.*found 0.*; restore the folder, or train again"):
        load_adapted(tmp_path)
    path.write_text(json.dumps(content | {"new_rows": 34}))
    with pytest.raises(CheckpointError, match="new_rows must be below vocab_size 34, found 34; restore"):
        load_adapted(tmp_path)


@pytest.mark.parametrize("method", ["lora", "dora"])
def test_the_best_model_is_a_plain_one_with_the_adapters_beside_it(tmp_path, method):
    import peft
    from transformers import AutoModelForSeq2SeqLM

    model = train(adapted(method=method))
    model.keep_search({"max_length": 9})
    (tmp_path / "best").mkdir()
    model.save_best(tmp_path / "best")
    merged = M2M100.load(tmp_path / "best")
    plain = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "best")
    assert plain.generation_config.max_length == 9
    assert plain.get_input_embeddings().weight is plain.lm_head.weight
    for direction in DIRECTIONS:
        assert is_close(logits_of(merged, direction), logits_of(model, direction))
        assert is_close(logits_of(model.plain(direction), direction), logits_of(model, direction))
    base = plain_model().network
    with torch.no_grad():
        base.lm_head.weight[-NEW:] = load_file(tmp_path / "best" / "adapter" / module.ROWS)["model.shared.weight"]
    network = peft.PeftModel.from_pretrained(base, tmp_path / "best" / "adapter").base_model.model
    assert is_close(logits_of(type(merged)(network), DIRECTIONS[0]), logits_of(model, DIRECTIONS[0]))


def test_the_best_of_a_checkpoint_is_what_was_saved_then(tmp_path):
    model = train(adapted())
    for name in ("best", "checkpoint", "again"):
        (tmp_path / name).mkdir()
    model.save_best(tmp_path / "best")
    model.save(tmp_path / "checkpoint")
    train(model).save_best_of(tmp_path / "checkpoint", tmp_path / "again")
    for name in ("model.safetensors", "config.json", "adapter/adapter_model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "best" / name).read_bytes()


def test_it_generates(tmp_path):
    model = train(adapted())
    found = model.network.generate(input_ids=torch.tensor([[30, 5, 6, 2]]), max_new_tokens=4, num_beams=2)
    same = model.plain(DIRECTIONS[0]).network.generate(
        input_ids=torch.tensor([[30, 5, 6, 2]]), max_new_tokens=4, num_beams=2
    )
    assert found.tolist() == same.tolist()
