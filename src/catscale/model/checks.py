"""Checks of an architecture's contract, as functions that anyone can call on an architecture of their own.

    from catscale.model.checks import check_architecture
    check_architecture(MyArchitecture(preset="tiny", width=16, heads=2, feed_forward=16))

Each check builds models for three directions, of which two have one target language; sizes should be as small as the
architecture allows.

Legend: M predicted tokens, V vocabulary.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations

import torch
from torch.nn import Parameter
from torch.nn.attention import SDPBackend, sdpa_kernel

from catscale.data.batching import IGNORED, make_batch
from catscale.model.autocast import compute_in, keep_casts
from catscale.model.check_material import (
    DIRECTIONS,
    SOURCES,
    STEPS,
    TARGETS,
    VOCABULARY,
    batch_of,
    build,
    is_close,
    logits_of,
)
from catscale.model.contract import Architecture
from catscale.model.folder_checks import FOLDER_CHECKS
from catscale.model.layer_casts import LayerCasts, may_cast_layers
from catscale.model.likelihood import Objective, batch_losses, twice_differentiable_nll
from catscale.model.saved_config import DECODERS
from catscale.system.promises import promise


def check_architecture(architecture: Architecture) -> None:
    """Try every promise of the contract.

    Args:
        architecture: Settings, with the smallest sizes that it allows.

    Raises:
        AssertionError: Names the first promise that is broken.
    """
    for check in CHECKS:
        check(architecture)


def check_settings(architecture: Architecture) -> None:
    """Check that settings name their architecture and are loadable as they are written."""
    name = type(architecture).model_fields.get("architecture")
    promise(name is not None and isinstance(name.default, str), "the field `architecture` holds the name")
    promise(set(architecture.decoders) <= set(DECODERS), f"`decoders` are among {', '.join(DECODERS)}")
    again = type(architecture).model_validate_json(architecture.model_dump_json())
    promise(again == architecture, "settings survive JSON")


def check_predictions(architecture: Architecture) -> None:
    """Check that logits are finite, one row for each predicted token; labels are the batch's."""
    model = build(architecture)
    for direction in DIRECTIONS:
        batch = batch_of(direction)
        for mode in (False, True):
            said = model.train(mode).predict(batch)
            shape = (batch.tokens, VOCABULARY.size)
            found = tuple(said.logits.shape)
            promise(found == shape, f"logits have the shape {shape}, found {found}")
            promise(bool(said.logits.isfinite().all()), "logits are finite")
            promise(said.labels.equal(batch.labels[batch.labels != IGNORED]), "labels are those of the batch")


def check_company(architecture: Architecture) -> None:
    """Check that the logits of a sentence do not depend on the rest of the batch."""
    model = build(architecture)
    for direction in DIRECTIONS:
        alone = []
        for source, target in zip(SOURCES, TARGETS, strict=True):
            with torch.no_grad():
                alone.append(model.predict(make_batch([source], [target], VOCABULARY, direction)).logits)
        promise(is_close(logits_of(model, direction), torch.cat(alone)), "logits do not depend on the batch's rest")


def check_mixing(architecture: Architecture) -> None:
    """Check that a model that mixes directions reads nothing of them, and has no regulariser."""
    model = build(architecture)
    if not model.mixes_directions:
        return
    one, other = (replace(batch_of(DIRECTIONS[0]), direction=direction) for direction in DIRECTIONS[:2])
    promise(model.predict(one).logits.equal(model.predict(other).logits), "a model that mixes directions reads none")
    promise(model.train().predict(one).regulariser is None, "a model that mixes directions has no regulariser")


def check_casts(architecture: Architecture) -> None:
    """Check that a model whose layers may be handed casts of their parameters gives what it does without."""
    model = build(architecture).train()
    if not may_cast_layers(model):
        return
    casts, batch, found = LayerCasts(Objective(model), model.layers()), batch_of(DIRECTIONS[0]), []
    for dtype in (None, torch.bfloat16):
        torch.manual_seed(1)
        with keep_casts(model.device), casts.kept(dtype):
            with compute_in(torch.bfloat16, model.device):
                loss, _ = casts(batch, 0.1)
            found.append((loss, *torch.autograd.grad(loss, model.shared_parameters(), allow_unused=True)))
    for one, other in zip(*found, strict=True):
        is_same = one is other is None or (one is not None and other is not None and one.equal(other))
        promise(is_same, "a model with `casts_layers` has the same loss and gradients with casts of its layers")


def check_evaluation(architecture: Architecture) -> None:
    """Check that in evaluation mode nothing is random, nothing follows the step, and there is no regulariser."""
    model = build(architecture)
    before = torch.get_rng_state()
    for direction in DIRECTIONS:
        model.at_step(1, STEPS)
        first = logits_of(model, direction)
        model.at_step(STEPS, STEPS)
        promise(first.equal(logits_of(model, direction)), "logits in evaluation are the same at every step")
        promise(model.predict(batch_of(direction)).regulariser is None, "there is no regulariser in evaluation")
    promise(torch.get_rng_state().equal(before), "no random number is drawn in evaluation")


def check_order(architecture: Architecture) -> None:
    """Check that what is predicted for one direction does not depend on which one came before."""
    model = build(architecture)
    one_by_one = [logits_of(model, direction) for direction in DIRECTIONS]
    alone = [logits_of(build(architecture), direction) for direction in DIRECTIONS]
    promise(all(map(torch.equal, one_by_one, alone)), "a direction's logits do not depend on the one before")


def check_seed(architecture: Architecture) -> None:
    """Check that the seed decides the parameters."""
    one, same, other = (build(architecture, seed).state_dict() for seed in (1, 1, 2))
    promise(all(torch.equal(one[name], same[name]) for name in one), "the same seed gives the same parameters")
    is_other = any(not torch.equal(one[name], other[name]) for name in one)
    promise(is_other == architecture.is_drawn, "another seed gives others, but where none are drawn")


def check_count(architecture: Architecture) -> None:
    """Check that parameters are counted before there is a model."""
    found = sum(parameter.numel() for parameter in build(architecture).parameters())
    counted = architecture.count_parameters(VOCABULARY.size, DIRECTIONS)
    promise(found == counted, f"`count_parameters` gives their number, {found}, found {counted}")
    promise(0 < architecture.count_parameters(VOCABULARY.size, ()) <= found, "without directions it gives no more")


def check_parameters(architecture: Architecture) -> None:
    """Check that every trainable parameter is shared by all directions or some direction's own, and none is both."""
    model = build(architecture)
    names = {id(p): name for name, p in model.named_parameters() if p.requires_grad}
    shared = _ids(model.shared_parameters())
    own = set().union(*(_ids(model.own_parameters(direction)) for direction in DIRECTIONS))
    promise(bool(shared | own), "some parameters are trained")
    promise(not shared & own, f"no parameter is shared and own, found {_list(names, shared & own)}")
    promise(shared | own == set(names), f"each is shared or own, found {_list(names, set(names) ^ (shared | own))}")
    order = [id(p) for p in model.parameters() if id(p) in shared]
    promise([id(p) for p in model.shared_parameters()] == order, "shared parameters are in the model's order")


def check_groups(architecture: Architecture) -> None:
    """Check that groups hold shared parameters, each at most once; those by layer hold all of them."""
    model = build(architecture)
    shared = _ids(model.shared_parameters())
    for groups in (model.parameter_groups(), model.module_groups()):
        members = [id(parameter) for found in groups.values() for parameter in found]
        promise(all(groups.values()), "no group is empty")
        promise(len(members) == len(set(members)), "no parameter is in two groups")
        promise(set(members) <= shared, "groups hold shared parameters only")
    layers = _ids(parameter for found in model.parameter_groups().values() for parameter in found)
    promise(layers == shared, "the groups by layer hold every shared parameter")


def check_layers(architecture: Architecture) -> None:
    """Check that layers are modules of the model, none within another."""
    model = build(architecture)
    inside = {id(module) for module in model.modules()}
    promise(len(model.layers()) > 0, "there are layers")
    promise(all(id(layer) in inside for layer in model.layers()), "layers are modules of the model")
    for one, two in combinations(model.layers(), 2):
        promise(not _ids(one.parameters()) & _ids(two.parameters()), "layers have no parameter in common")


def check_gradients(architecture: Architecture) -> None:
    """Check that a direction's loss reaches shared parameters and its own, and no other direction's."""
    for direction in DIRECTIONS:
        model = build(architecture).train()
        model.at_step(1, STEPS)
        loss, _ = batch_losses(model, batch_of(direction), 0.1)
        torch.autograd.backward(loss)
        allowed = _ids([*model.shared_parameters(), *model.own_parameters(direction)])
        names = {id(p): name for name, p in model.named_parameters()}
        reached = {id(p) for p in model.parameters() if p.grad is not None}
        promise(reached <= allowed, f"{direction} leaves others' own alone, found {_list(names, reached - allowed)}")
        promise(reached == allowed, f"{direction} reaches all it uses, found {_list(names, allowed - reached)} left")
        finite = all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)
        promise(finite, "gradients are finite")


def check_regulariser(architecture: Architecture) -> None:
    """Check that in training the regulariser is None, or one finite number with a graph, at every step."""
    model = build(architecture).train()
    for step in (1, STEPS // 2, STEPS):
        model.at_step(step, STEPS)
        for direction in DIRECTIONS:
            found = model.predict(batch_of(direction)).regulariser
            if found is not None:
                promise(found.shape == () and bool(found.isfinite()), "a regulariser is one finite number")
                promise(found.requires_grad, "a regulariser has a graph")


def check_second_derivatives(architecture: Architecture) -> None:
    """Check that the NLL can be differentiated twice by the shared parameters, as the analysis does."""
    model = build(architecture)
    shared = model.shared_parameters()
    if not shared:
        return
    with sdpa_kernel(SDPBackend.MATH):
        nll = twice_differentiable_nll(model, batch_of(DIRECTIONS[0]))
        first = torch.autograd.grad(nll, shared, create_graph=True)
        square = torch.stack([gradient.square().sum() for gradient in first]).sum()
        second = torch.autograd.grad(square, shared, allow_unused=True)
    promise(any(found is not None and bool(found.any()) for found in second), "there is a second derivative")


CHECKS: tuple[Callable[[Architecture], None], ...] = (
    check_settings,
    check_predictions,
    check_company,
    check_mixing,
    check_casts,
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
    *FOLDER_CHECKS,
)


def _ids(parameters: Iterable[Parameter]) -> set[int]:
    return {id(parameter) for parameter in parameters}


def _list(names: dict[int, str], chosen: set[int]) -> str:
    return ", ".join(sorted(names.get(found, "a frozen one") for found in chosen)[:4])
