"""Whether the memory can hold a model, asked before any is taken."""

from catscale.errors import ConfigError
from catscale.model.limits import BYTES
from catscale.system.memory import available_memory


def check_memory(parameters: int, for_each: int = BYTES, frozen: int = 0) -> None:
    """Refuse a model that the memory cannot hold, before any is asked for.

    Args:
        parameters: Numbers that it has.
        for_each: Bytes needed per parameter.
        frozen: The number of them that are held fixed, and need no more than themselves.

    Raises:
        ConfigError: If it does not fit, with the number of parameters, the memory needed and that available.
    """
    available, needed = available_memory(), for_each * (parameters - frozen) + BYTES * frozen
    if available is not None and needed > available:
        raise ConfigError(
            f"the model has {parameters:,} parameters, which need {needed / 2**30:,.1f} GiB of memory, and "
            f"{available / 2**30:,.1f} GiB are available; lower model.width, the numbers of layers or vocabulary.size; "
            "where model.pretrained gives them, take adapters or freeze, or a smaller model"
        )
