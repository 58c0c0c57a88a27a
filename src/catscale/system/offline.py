"""Models and tokenizers are loaded from folders; only a corpus may come from the Hugging Face Hub.

The packages ask the Hub on their own in some places, even for a folder, so the command line keeps them offline. Who
sets HF_HUB_OFFLINE (or HF_DATASETS_OFFLINE, TRANSFORMERS_OFFLINE) decides for corpora too.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

SETTING = "HF_HUB_OFFLINE"
BY_DEFAULT = "CATSCALE_OFFLINE_BY_DEFAULT"  # set where it was we who set it
READERS = ("huggingface_hub.constants", "datasets.config")  # modules that read the setting when they are imported


def stay_offline() -> None:
    """Keep Hugging Face's packages offline in this process and its children, unless the user has decided."""
    if not {SETTING, "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"} & os.environ.keys():
        os.environ |= {SETTING: "1", BY_DEFAULT: "1"}


@contextmanager
def allowed_online() -> Iterator[None]:
    """Let the Hub be asked in the block, unless the user forbids it."""
    modules = [import_module(name) for name in READERS] if BY_DEFAULT in os.environ else []
    before = [getattr(module, SETTING) for module in modules]
    try:
        for module in modules:
            setattr(module, SETTING, False)
        yield
    finally:
        for module, value in zip(modules, before, strict=True):
            setattr(module, SETTING, value)
