"""Scripts outside the package, imported by their path."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any


def load_script(path: Path) -> Any:
    """Import a script of a folder that is no package."""
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
