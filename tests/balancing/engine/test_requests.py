"""Requests that cannot be answered are refused before a step, all others let through."""

import pytest
import torch

from catscale.balancing.contract import Request
from catscale.balancing.engine.requests import check_memory, check_request
from catscale.errors import ConfigError

KNOWN = torch.ones(2)


@pytest.mark.parametrize("request_", [Request(), Request("products"), Request("nothing", halves=True)])
def test_without_held_gradients_products_are_measured(request_: Request) -> None:
    check_memory("cats", request_, low_memory=True)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (Request("norms"), "request for norms;"),
        (Request("gramian"), "request for gramian;"),
        (Request("gramian", halves=True), "request for gramian of halves;"),
        (Request("products", halves=True), "request for products of halves;"),
    ],
)
def test_what_needs_all_gradients_needs_memory(request_: Request, named: str) -> None:
    check_memory("cats", request_, low_memory=False)
    with pytest.raises(ConfigError, match=f"low_memory cannot be used: cats needs the gradients of all .* {named}"):
        check_memory("cats", request_, low_memory=True)


@pytest.mark.parametrize(
    "request_", [Request(), Request("products"), Request("norms", group="last"), Request("gramian", per_group=True)]
)
def test_requests_that_are_answered(request_: Request) -> None:
    check_request("cats", request_, KNOWN)


def test_products_need_weights() -> None:
    check_request("mine", Request("norms"), None)
    with pytest.raises(ConfigError, match="mine asks for products, which need weights known before the step"):
        check_request("mine", Request("products"), None)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (Request("products", group="last"), "products of last;"),
        (Request("norms", per_group=True), "norms of each group;"),
        (Request("products", per_group=True), "products of each group;"),
    ],
)
def test_groups_are_measured_by_gram_matrices_alone(request_: Request, named: str) -> None:
    with pytest.raises(ConfigError, match=f"mine asks for {named} products are measured over all shared parameters"):
        check_request("mine", request_, KNOWN)
