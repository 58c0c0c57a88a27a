"""Parameters of which each language has its own: what a direction uses follows from its languages alone.

Codes of languages are no attributes of a module (Tongan is `to`), so that names in a saved model have a prefix.
"""

from collections.abc import Mapping

from torch import Tensor
from torch.nn import Module, Parameter

from catscale.errors import ConfigError

PREFIX = "of_"


class LanguageParameters(Module):
    """A trainable tensor for each language, all of one shape.

    Args:
        tensors: Language → its tensor at the start.

    Example:
        >>> import torch
        >>> rows = LanguageParameters({"to": torch.zeros(2), "az": torch.ones(2)})
        >>> rows.languages, rows["az"].tolist(), [name for name, _ in rows.named_parameters()]
        (['az', 'to'], [1.0, 1.0], ['of_az', 'of_to'])
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.languages = sorted(tensors)
        for language in self.languages:
            self.register_parameter(f"{PREFIX}{language}", Parameter(tensors[language]))

    def __getitem__(self, language: str) -> Parameter:
        """Return a language's tensor.

        Raises:
            ConfigError: If it has none.
        """
        found = self._parameters.get(f"{PREFIX}{language}")
        if found is None:
            raise ConfigError(
                f"the model has parameters of {', '.join(self.languages)}, found a direction of {language!r}; "
                "translate between these languages, or train a model with it"
            )
        return found
