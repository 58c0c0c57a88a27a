"""Errors that reach a user."""

import pickle

import pytest

from catscale.errors import (
    CatscaleError,
    CheckpointError,
    ConfigError,
    DataError,
    DivergedError,
    Interrupted,
    UnknownNameError,
    UnreadableError,
)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (CatscaleError, 2), (ConfigError, 2), (UnknownNameError, 2), (DataError, 2), (UnreadableError, 2),
        (CheckpointError, 2), (DivergedError, 3), (Interrupted, 130),
    ],
)  # fmt: skip
def test_exit_statuses_are_those_of_the_help(kind: type[CatscaleError], status: int) -> None:
    error = kind("the message")
    assert (error.exit_status, str(error), error.is_told) == (status, "the message", False)
    with pytest.raises(CatscaleError, match=r"^the message$"):
        raise error


def test_an_unknown_name_is_caught_as_a_key_error_too_and_is_not_quoted() -> None:
    with pytest.raises(KeyError) as caught:
        raise UnknownNameError("there is no 'x'")
    assert str(caught.value) == "there is no 'x'"


def test_divergence_says_what_and_where_also_from_another_process() -> None:
    error = DivergedError("the loss is NaN", what="loss", task="en-az")
    assert (error.what, error.task) == ("loss", "en-az")
    assert (DivergedError("it is NaN").what, DivergedError("it is NaN").task) == (None, None)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.what, copy.task) == ("the loss is NaN", "loss", "en-az")


def test_one_that_is_told_elsewhere_is_told_for_itself_alone() -> None:
    told = ConfigError("x")
    told.is_told = True
    assert not ConfigError("x").is_told
