"""Output layers that are products with tables and nothing else.

Legend: W width, V vocabulary.
"""

from torch import Tensor
from torch.nn import Linear, Module

from catscale.model.split_table import SplitHead


def list_tables(layer: Module) -> tuple[Tensor, ...]:
    """List the (V_i, W) matrices whose products with the states are all that a layer computes; none where it is more.

    A layer with a bias, of another class, or with hooks, which may change what goes in and comes out, is more.
    """
    if layer._forward_hooks or layer._forward_pre_hooks:
        return ()
    if type(layer) is SplitHead:
        return layer.old, layer.new
    return (layer.weight,) if type(layer) is Linear and layer.bias is None else ()
