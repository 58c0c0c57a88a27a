"""What a recipe may say of a file."""

from typing import Any

import pytest

from catscale.errors import ConfigError
from catscale.recipes.remote_file import RemoteFile, check_file_name


@pytest.mark.parametrize("name", ["a.tar.gz", "_x", "en-kk+1.tsv", "x" * 200])
def test_names_for_any_disk(name: str) -> None:
    assert check_file_name(name) == name


@pytest.mark.parametrize("name", ["", ".hidden", "../x", "a/b", "a b", "ä", "a\n", "x" * 201, "a\\b", "a:b"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a file's name has letters from A to Z, digits"):
        check_file_name(name)


@pytest.mark.parametrize("content", [{"url": "https://example.org/a"}, {"manual": "Ask the publisher."}])
def test_an_address_or_an_instruction(content: dict[str, Any]) -> None:
    assert RemoteFile(**content).max_members == 10_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "give either url or manual"),
        ({"url": "https://example.org", "manual": "x"}, "give either url or manual"),
        ({"url": "ftp://example.org/a"}, "url must be an address with http or https, found 'ftp:"),
        ({"url": "file:///etc/passwd"}, "url must be an address with http or https"),
        ({"url": "https:///a"}, "url must be an address with http or https"),
        ({"manual": "x", "sha256": "AB" * 32}, "sha256"),
        ({"manual": "x", "md5": "0" * 31}, "md5"),
        ({"manual": "x", "bytes": 0}, "greater than or equal to 1"),
        ({"manual": "x", "max_ratio": 0.5}, "greater than or equal to 1"),
    ],
)
def test_what_is_none(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RemoteFile(**content)
