"""The promises of an architecture about what is saved, exported and decoded."""

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import Module

from catscale.data.batching import make_batch
from catscale.model.check_material import (
    DIRECTIONS,
    SOURCES,
    VOCABULARY,
    batch_of,
    build,
    is_close,
    logits_of,
)
from catscale.model.contract import Architecture, TranslationModel
from catscale.model.saved_config import PLAIN, read_architecture
from catscale.model.saved_tensors import WEIGHTS, load_tensors
from catscale.model.table import ARCHITECTURES
from catscale.system.promises import promise
from catscale.system.writing.files import scratch_folder


def check_saving(architecture: Architecture) -> None:
    """Check that a saved model is loaded with the same logits, and its tied tensors are tied; each is written once."""
    model = build(architecture)
    inside = {id(parameter) for parameter in model.stored.parameters()}
    promise(inside == {id(parameter) for parameter in model.parameters()}, "`stored` has every parameter")
    with scratch_folder() as folder:
        model.save(folder)
        promise(
            read_architecture(folder) == (architecture.saved_as or _name(architecture)),
            "config.json names the architecture",
        )
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            written = set(file.keys())
        ties = _ties(model.stored)
        once = all(sum(name in written for name in names) == 1 for names in ties)
        promise(once and written <= set().union(*ties), "each tensor is written once")
        read = architecture.hold_fixed(architecture.load(folder))
    promise(not read.training, "a loaded model is in evaluation mode")
    _check_same(model, read, "a loaded model")
    promise(_ties(read) == _ties(model), "tied tensors stay tied")
    trainable = [[name for name, p in each.named_parameters() if p.requires_grad] for each in (model, read)]
    promise(trainable[0] == trainable[1], "`hold_fixed` leaves the same parameters to train as `build`")


def check_resuming(architecture: Architecture) -> None:
    """Check that a model that takes over the tensors of a saved one is that one."""
    model, other = build(architecture), build(architecture, seed=2)
    with scratch_folder() as folder:
        model.save(folder, {name: tensor.clone() for name, tensor in model.stored.state_dict().items()})
        other.stored.load_state_dict(load_tensors(folder / WEIGHTS, other.stored), strict=False)
    _check_same(model, other, "a resumed model")


def check_plain_form(architecture: Architecture) -> None:
    """Check that the plain form of a direction, where there is one, is an m2m100 model with the same logits."""
    model = build(architecture)
    for direction in DIRECTIONS:
        plain = model.plain(direction)
        if plain is None:
            saved = architecture.saved_as
            decoders = architecture.decoders if saved is None else ARCHITECTURES[saved].decoders
            promise("ctranslate2" not in decoders, "without a plain form CTranslate2 does not decode")
            continue
        with scratch_folder() as folder:
            plain.save(folder)
            promise(read_architecture(folder) == PLAIN, f"the plain form is an {PLAIN} model")
        same = is_close(logits_of(plain.eval(), direction), logits_of(model, direction))
        promise(same, "plain logits are the same")


def check_decoding(architecture: Architecture) -> None:
    """Check that greedy search by transformers finds what `predict` finds most probable, for each direction."""
    check_search(build(architecture))


def check_search(model: TranslationModel) -> None:
    """Check that greedy search finds what `predict` finds most probable, of a model with any numbers.

    Args:
        model: In evaluation mode, for the directions of `check_material`.
    """
    for direction in DIRECTIONS:
        source = batch_of(direction)
        network = model.generator(direction)
        with torch.no_grad():
            output: Tensor = network.generate(
                input_ids=source.input_ids,
                attention_mask=source.attention_mask,
                forced_bos_token_id=VOCABULARY.tag(direction.target),
                max_new_tokens=5,
                num_beams=1,
                do_sample=False,
            )
        for sentence, row in zip(SOURCES, output[:, 2:].tolist(), strict=True):
            target = row[: row.index(VOCABULARY.eos_id)] if VOCABULARY.eos_id in row else row
            with torch.no_grad():
                logits = model.predict(make_batch([sentence], [target], VOCABULARY, direction)).logits
            chosen = logits[: len(target)].gather(1, torch.tensor(target, dtype=torch.int64)[:, None])[:, 0]
            promise(is_close(chosen, logits[: len(target)].amax(1)), f"greedy search of {direction} is of `predict`")


FOLDER_CHECKS = (check_saving, check_resuming, check_plain_form, check_decoding)


def _name(architecture: Architecture) -> str:
    return str(type(architecture).model_fields["architecture"].default)


def _check_same(one: TranslationModel, two: TranslationModel, what: str) -> None:
    for direction in DIRECTIONS:
        promise(logits_of(one, direction).equal(logits_of(two, direction)), f"{what} has the same logits")


def _ties(module: Module) -> list[list[str]]:
    """Return the names of each tensor, several if it is tied."""
    found: dict[int, list[str]] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        found.setdefault(id(tensor), []).append(name)
    return list(found.values())
