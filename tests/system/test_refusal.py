"""The operating system's refusals in our words."""

from pathlib import Path

import pytest

from catscale.errors import CatscaleError, ConfigError
from catscale.system.refusal import user_errors


def test_a_refusal_names_the_file_and_the_reason() -> None:
    message = r"cannot write the table /a/b: No space left; check the permissions"
    with pytest.raises(CatscaleError, match=message), user_errors("write the table", Path("/x")):
        raise OSError(28, "No space left", "/a/b")


def test_the_path_stands_in_where_the_error_names_none() -> None:
    with pytest.raises(CatscaleError, match=r"read /x: it broke; check the name and"), user_errors("read", Path("/x")):
        raise OSError("it broke")


def test_libraries_in_rust_are_understood() -> None:
    class SafetensorError(Exception):
        pass

    message = r"cannot write /x: .*\(os error 28\)"
    with pytest.raises(CatscaleError, match=message), user_errors("write", Path("/x")):
        raise SafetensorError("No space left on device (os error 28)")


@pytest.mark.parametrize("error", [ValueError("a defect"), ConfigError("ours")])
def test_other_errors_pass_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, user_errors("write", Path("/x")):
        raise error
    assert caught.value is error
