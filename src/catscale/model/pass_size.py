"""The memory that a pass of training takes for each position, of both sides about alike."""

from torch.nn import Linear

from catscale.model.contract import TranslationModel
from catscale.model.m2m100_model import M2M100Model
from catscale.model.output_layer import list_tables


def count_kept(model: TranslationModel) -> int | None:
    """Count the numbers of a position that the linear modules of layers take in and give: about what a pass keeps.

    Args:
        model: The model.

    Returns:
        The count; None where a score of each entry of the vocabulary is kept too, so that these decide: of a model
        whose output layer does not leave them to the loss (`catscale.model.chunked_cross_entropy`).
    """
    plain = [module for module in model.modules() if isinstance(module, M2M100Model)]
    if not plain or not all(list_tables(module.network.lm_head) for module in plain):
        return None
    linear = [module for layer in model.layers() for module in layer.modules() if isinstance(module, Linear)]
    return sum(module.in_features + module.out_features for module in linear) or None
