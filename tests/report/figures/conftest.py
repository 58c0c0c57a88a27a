import pytest

from tests.report.figures.drawn import figures_of, source_of


@pytest.fixture(scope="package")
def source(tmp_path_factory):
    return source_of(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="package")
def figures(source):
    return figures_of(source)
