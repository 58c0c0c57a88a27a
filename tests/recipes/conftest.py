from collections.abc import Iterator

import pytest

from tests.recipes.site import Site, serve


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        yield running
