"""What every architecture promises, as functions that anyone can call on an architecture of their own.

    from catscale.model.checks import check_architecture
    check_architecture(MyArchitecture(preset="tiny", width=16, heads=2, feed_forward=16))

Each check builds models for three directions, of which two have one target language; sizes should be as small as the
architecture allows.

Legend: M predicted tokens, V vocabulary.
"""

import json
from collections.abc import Callable, Iterable
from itertools import combinations
from typing import cast

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import Module, Parameter
from torch.nn.attention import SDPBackend, sdpa_kernel

from catscale.data.batching import IGNORED, Batch, make_batch
from catscale.data.direction import Direction
from catscale.model.contract import Architecture, TranslationModel
from catscale.model.likelihood import batch_losses, twice_differentiable_nll
from catscale.model.saved_config import DECODERS, PLAIN, read_architecture
from catscale.model.saved_tensors import WEIGHTS, load_tensors
from catscale.system.writing.files import scratch_folder
from catscale.vocabulary.contract import Vocabulary

DIRECTIONS = (Direction("en", "az"), Direction("tr", "az"), Direction("en", "fr"))
SOURCES = [[5, 6, 7, 8, 9], [7], [10, 11, 12]]
TARGETS = [[8], [9, 10, 11, 12], [13, 14]]
STEPS = 10
CLOSE = 1e-4


class Ids:
    """The ids of a vocabulary without text: 30 pieces and three tags."""

    size, bos_id, pad_id, eos_id, unk_id = 34, 0, 1, 2, 3
    languages = ("az", "en", "fr", "tr")

    def tag(self, language: str) -> int:
        """Return the id of a language's tag."""
        return self.size - 1 - self.languages.index(language)


VOCABULARY = cast(Vocabulary, Ids())


def check_architecture(architecture: Architecture) -> None:
    """Try every promise of the contract.

    Args:
        architecture: Settings, with the smallest sizes that it allows.

    Raises:
        AssertionError: Names the first promise that is broken.
    """
    for check in CHECKS:
        check(architecture)


def build(architecture: Architecture, seed: int = 1) -> TranslationModel:
    """Build a model for `DIRECTIONS`, in evaluation mode."""
    return architecture.build(VOCABULARY, DIRECTIONS, seed).eval()


def batch_of(direction: Direction) -> Batch:
    """Make a batch of three sentences of a direction."""
    return make_batch(SOURCES, TARGETS, VOCABULARY, direction)


def logits_of(model: TranslationModel, direction: Direction) -> Tensor:
    """Predict the batch of a direction without a graph, (M, V)."""
    with torch.no_grad():
        return model.predict(batch_of(direction)).logits


def check_settings(architecture: Architecture) -> None:
    """Settings name their architecture and are loadable as they are written."""
    name = type(architecture).model_fields.get("architecture")
    _promise(name is not None and isinstance(name.default, str), "the field `architecture` holds the name")
    _promise(set(architecture.decoders) <= set(DECODERS), f"`decoders` are among {', '.join(DECODERS)}")
    _promise(type(architecture)(**json.loads(architecture.model_dump_json())) == architecture, "settings survive JSON")


def check_predictions(architecture: Architecture) -> None:
    """Logits are finite, one row for each predicted token; labels are the batch's."""
    model = build(architecture)
    for direction in DIRECTIONS:
        batch = batch_of(direction)
        for mode in (False, True):
            said = model.train(mode).predict(batch)
            shape = (batch.tokens, VOCABULARY.size)
            found = tuple(said.logits.shape)
            _promise(found == shape, f"logits have the shape {shape}, found {found}")
            _promise(bool(said.logits.isfinite().all()), "logits are finite")
            _promise(said.labels.equal(batch.labels[batch.labels != IGNORED]), "labels are those of the batch")


def check_company(architecture: Architecture) -> None:
    """The logits of a sentence do not depend on the rest of the batch."""
    model = build(architecture)
    for direction in DIRECTIONS:
        alone = []
        for source, target in zip(SOURCES, TARGETS, strict=True):
            with torch.no_grad():
                alone.append(model.predict(make_batch([source], [target], VOCABULARY, direction)).logits)
        _promise(_is_close(logits_of(model, direction), torch.cat(alone)), "logits do not depend on the batch's rest")


def check_evaluation(architecture: Architecture) -> None:
    """In evaluation mode nothing is random, nothing follows the step, and there is no regulariser."""
    model = build(architecture)
    before = torch.get_rng_state()
    for direction in DIRECTIONS:
        model.at_step(1, STEPS)
        first = logits_of(model, direction)
        model.at_step(STEPS, STEPS)
        _promise(first.equal(logits_of(model, direction)), "logits in evaluation are the same at every step")
        _promise(model.predict(batch_of(direction)).regulariser is None, "there is no regulariser in evaluation")
    _promise(torch.get_rng_state().equal(before), "no random number is drawn in evaluation")


def check_order(architecture: Architecture) -> None:
    """What is predicted for one direction does not depend on which one came before."""
    model = build(architecture)
    forth = [logits_of(model, direction) for direction in DIRECTIONS]
    back = [logits_of(model, direction) for direction in reversed(DIRECTIONS)]
    _promise(all(map(torch.equal, forth, reversed(back))), "a direction's logits do not depend on the one before")


def check_seed(architecture: Architecture) -> None:
    """The seed decides the parameters."""
    one, same, other = (build(architecture, seed).state_dict() for seed in (1, 1, 2))
    _promise(all(torch.equal(one[name], same[name]) for name in one), "the same seed gives the same parameters")
    _promise(any(not torch.equal(one[name], other[name]) for name in one), "another seed gives others")


def check_count(architecture: Architecture) -> None:
    """Parameters are counted before there is a model."""
    found = sum(parameter.numel() for parameter in build(architecture).parameters())
    counted = architecture.count_parameters(VOCABULARY.size, DIRECTIONS)
    _promise(found == counted, f"`count_parameters` gives their number, {found}, found {counted}")
    _promise(0 < architecture.count_parameters(VOCABULARY.size, ()) <= found, "without directions it gives no more")


def check_parameters(architecture: Architecture) -> None:
    """Every trainable parameter is shared by all directions or some direction's own, and none is both."""
    model = build(architecture)
    names = {id(p): name for name, p in model.named_parameters() if p.requires_grad}
    shared = _ids(model.shared_parameters())
    own = set().union(*(_ids(model.own_parameters(direction)) for direction in DIRECTIONS))
    _promise(bool(shared), "some parameters are shared")
    _promise(not shared & own, f"no parameter is shared and own, found {_list(names, shared & own)}")
    _promise(shared | own == set(names), f"each is shared or own, found {_list(names, set(names) ^ (shared | own))}")
    order = [id(p) for p in model.parameters() if id(p) in shared]
    _promise([id(p) for p in model.shared_parameters()] == order, "shared parameters are in the model's order")


def check_groups(architecture: Architecture) -> None:
    """Groups hold shared parameters, each at most once; those by layer hold all of them."""
    model = build(architecture)
    shared = _ids(model.shared_parameters())
    for groups in (model.parameter_groups(), model.module_groups()):
        members = [id(parameter) for found in groups.values() for parameter in found]
        _promise(all(groups.values()), "no group is empty")
        _promise(len(members) == len(set(members)), "no parameter is in two groups")
        _promise(set(members) <= shared, "groups hold shared parameters only")
    layers = _ids(parameter for found in model.parameter_groups().values() for parameter in found)
    _promise(layers == shared, "the groups by layer hold every shared parameter")


def check_layers(architecture: Architecture) -> None:
    """Layers are modules of the model, none within another."""
    model = build(architecture)
    inside = {id(module) for module in model.modules()}
    _promise(len(model.layers()) > 0, "there are layers")
    _promise(all(id(layer) in inside for layer in model.layers()), "layers are modules of the model")
    for one, two in combinations(model.layers(), 2):
        _promise(not _ids(one.parameters()) & _ids(two.parameters()), "layers have no parameter in common")


def check_gradients(architecture: Architecture) -> None:
    """A direction's loss reaches shared parameters and its own, and no other direction's."""
    for direction in DIRECTIONS:
        model = build(architecture).train()
        model.at_step(1, STEPS)
        loss, _ = batch_losses(model, batch_of(direction), 0.1)
        torch.autograd.backward(loss)
        allowed = _ids([*model.shared_parameters(), *model.own_parameters(direction)])
        names = {id(p): name for name, p in model.named_parameters()}
        reached = {id(p) for p in model.parameters() if p.grad is not None}
        _promise(reached <= allowed, f"{direction} leaves others' own alone, found {_list(names, reached - allowed)}")
        _promise(reached == allowed, f"{direction} reaches all it uses, found {_list(names, allowed - reached)} left")
        finite = all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)
        _promise(finite, "gradients are finite")


def check_regulariser(architecture: Architecture) -> None:
    """In training the regulariser is None, or one finite number with a graph, at every step."""
    model = build(architecture).train()
    for step in (1, STEPS // 2, STEPS):
        model.at_step(step, STEPS)
        for direction in DIRECTIONS:
            found = model.predict(batch_of(direction)).regulariser
            if found is not None:
                _promise(found.shape == () and bool(found.isfinite()), "a regulariser is one finite number")
                _promise(found.requires_grad, "a regulariser has a graph")


def check_second_derivatives(architecture: Architecture) -> None:
    """The NLL can be differentiated twice by the shared parameters, as the analysis does."""
    model = build(architecture)
    shared = model.shared_parameters()
    with sdpa_kernel(SDPBackend.MATH):
        nll = twice_differentiable_nll(model, batch_of(DIRECTIONS[0]))
        first = torch.autograd.grad(nll, shared, create_graph=True)
        square = torch.stack([gradient.square().sum() for gradient in first]).sum()
        second = torch.autograd.grad(square, shared, allow_unused=True)
    _promise(any(found is not None and bool(found.any()) for found in second), "there is a second derivative")


def check_saving(architecture: Architecture) -> None:
    """A saved model is loaded with the same logits, and its tied tensors are tied; each is written once."""
    model = build(architecture)
    with scratch_folder() as folder:
        model.save(folder)
        _promise(read_architecture(folder) == _name(architecture), "config.json names the architecture")
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            written = set(file.keys())
        ties = _ties(model.stored)
        once = all(sum(name in written for name in names) == 1 for names in ties)
        _promise(once and written <= set().union(*ties), "each tensor is written once")
        read = architecture.freeze(architecture.load(folder))
    _promise(not read.training, "a loaded model is in evaluation mode")
    _check_same(model, read, "a loaded model")
    _promise(_ties(read) == _ties(model), "tied tensors stay tied")
    trainable = [[name for name, p in each.named_parameters() if p.requires_grad] for each in (model, read)]
    _promise(trainable[0] == trainable[1], "`freeze` leaves the same parameters to train as `build`")


def check_resuming(architecture: Architecture) -> None:
    """A model that takes over the tensors of a saved one is that one."""
    model, other = build(architecture), build(architecture, seed=2)
    with scratch_folder() as folder:
        model.save(folder, {name: tensor.clone() for name, tensor in model.stored.state_dict().items()})
        other.stored.load_state_dict(load_tensors(folder / WEIGHTS, other.stored), strict=False)
    _check_same(model, other, "a resumed model")


def check_plain_form(architecture: Architecture) -> None:
    """The plain form of a direction, where there is one, is an m2m100 model with the same logits."""
    model = build(architecture)
    for direction in DIRECTIONS:
        plain = model.plain(direction)
        if plain is None:
            _promise("ctranslate2" not in architecture.decoders, "without a plain form CTranslate2 does not decode")
            continue
        with scratch_folder() as folder:
            plain.save(folder)
            _promise(read_architecture(folder) == PLAIN, f"the plain form is an {PLAIN} model")
        same = _is_close(logits_of(plain.eval(), direction), logits_of(model, direction))
        _promise(same, "plain logits are the same")


def check_decoding(architecture: Architecture) -> None:
    """Greedy search by transformers finds what `predict` finds most probable, for each direction."""
    model = build(architecture)
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
            _promise(_is_close(chosen, logits[: len(target)].amax(1)), f"greedy search of {direction} is of `predict`")


CHECKS: tuple[Callable[[Architecture], None], ...] = (
    check_settings,
    check_predictions,
    check_company,
    check_evaluation,
    check_order,
    check_seed,
    check_count,
    check_parameters,
    check_groups,
    check_layers,
    check_gradients,
    check_regulariser,
    check_second_derivatives,
    check_saving,
    check_resuming,
    check_plain_form,
    check_decoding,
)


def _promise(kept: bool, text: str) -> None:
    # No assert statement: `python -O` would drop it.
    if not kept:
        raise AssertionError(f"broken promise: {text}")


def _name(architecture: Architecture) -> str:
    return str(type(architecture).model_fields["architecture"].default)


def _check_same(one: TranslationModel, two: TranslationModel, what: str) -> None:
    for direction in DIRECTIONS:
        _promise(logits_of(one, direction).equal(logits_of(two, direction)), f"{what} has the same logits")


def _is_close(one: Tensor, two: Tensor) -> bool:
    return one.shape == two.shape and torch.allclose(one, two, rtol=CLOSE, atol=CLOSE)


def _ids(parameters: Iterable[Parameter]) -> set[int]:
    return {id(parameter) for parameter in parameters}


def _list(names: dict[int, str], chosen: set[int]) -> str:
    return ", ".join(sorted(names.get(found, "a frozen one") for found in chosen)[:4])


def _ties(module: Module) -> list[list[str]]:
    """Names of each tensor, several where it is tied."""
    found: dict[int, list[str]] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        found.setdefault(id(tensor), []).append(name)
    return list(found.values())
