"""Variables and arguments that are refused before a library meets them."""

import pytest

from catscale.errors import ConfigError
from catscale.system.environment import check_arguments, check_threads, is_out_of_memory, read_count


@pytest.mark.parametrize("value", ["abc", "0", "-1", "100000", "1.5", "²", "9" * 5000, "0x4"])
@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "MKL_NUM_THREADS"])
def test_numbers_of_threads_that_a_library_would_abort_on(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"{name} must be a whole number from 1 to .*; correct it, or unset it"):
        check_threads()


@pytest.mark.parametrize("value", ["", "1", " 8 ", "4,2"])
def test_numbers_of_threads_that_are_none(monkeypatch, value):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    check_threads()


def test_a_count_is_what_it_looks_like(monkeypatch):
    monkeypatch.setenv("X", "017")
    assert read_count("X", 1) == 17
    monkeypatch.delenv("X")
    assert read_count("X", 1) is None


def test_an_argument_that_is_not_utf8_is_named_by_its_bytes():
    check_arguments(["train", "é.yaml", "--out", "日本"])
    with pytest.raises(ConfigError, match=r"the argument 'caf\\xe9' is not valid UTF-8; rename the file"):
        check_arguments(["train", b"caf\xe9".decode(errors="surrogateescape")])


def test_refused_memory_is_recognised_in_whatever_wraps_it():
    allocator = RuntimeError(
        "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried"
    )
    wrapped = ValueError("a library's own")
    wrapped.__cause__ = allocator
    for error in (MemoryError(), allocator, wrapped, ImportError("x.so: failed to map segment from shared object")):
        assert is_out_of_memory(error)
    for other in (RuntimeError("shapes do not match"), ValueError("out of memory"), OSError(28, "No space left")):
        assert not is_out_of_memory(other)


@pytest.mark.parametrize("argument", ["--out=--", "--to=--", "--length-penalty=--"])
def test_two_hyphens_are_no_value(argument):
    with pytest.raises(ConfigError, match=rf"the argument '{argument}' gives no value; write \./-- for a file"):
        check_arguments(["translate", argument])
    check_arguments(["translate", "--", "--set=data.path=--", "--out=./--", "--out", "--"])
