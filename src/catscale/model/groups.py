"""Named groups of a model's parameters, by layer (for balancing) and by kind of module (for analysis)."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch.nn import LayerNorm, Module, Parameter


def parameter_groups(model: Any) -> dict[str, list[Parameter]]:
    """Every trainable parameter in one group: embedding, final norms, encoder.0 …, decoder.0 …, the last decoder
    layer at the end, which is the last one that all tasks share.

    Args:
        model: An M2M100-type model.
    """
    encoder, decoder = model.model.encoder, model.model.decoder
    modules = {
        "embedding": model.model.shared,
        "encoder.norm": encoder.layer_norm,
        "decoder.norm": decoder.layer_norm,
        **{f"encoder.{number}": layer for number, layer in enumerate(encoder.layers)},
        **{f"decoder.{number}": layer for number, layer in enumerate(decoder.layers)},
    }
    return _trainable({name: [module] for name, module in modules.items()})


def module_groups(model: Any) -> dict[str, list[Parameter]]:
    """Trainable parameters by kind of module, over all layers, as in the paper's Figures 3 and 4.

    E.SA, D.SA: self-attention of encoder and decoder; D.EA: attention of the decoder to the encoder; E.FC, D.FC:
    feed-forward layers; E.LN, D.LN: all layer normalisations, the last one of each side included. The embeddings are
    in none. A group without trainable parameters (frozen layer normalisations) is left out.

    Args:
        model: An M2M100-type model.
    """
    encoder, decoder = model.model.encoder, model.model.decoder
    return _trainable(
        {
            "E.SA": [layer.self_attn for layer in encoder.layers],
            "E.FC": [module for layer in encoder.layers for module in (layer.fc1, layer.fc2)],
            "D.SA": [layer.self_attn for layer in decoder.layers],
            "D.EA": [layer.encoder_attn for layer in decoder.layers],
            "D.FC": [module for layer in decoder.layers for module in (layer.fc1, layer.fc2)],
            "E.LN": [module for module in encoder.modules() if isinstance(module, LayerNorm)],
            "D.LN": [module for module in decoder.modules() if isinstance(module, LayerNorm)],
        }
    )


def _trainable(modules: Mapping[str, Sequence[Module]]) -> dict[str, list[Parameter]]:
    """The trainable parameters of each group of modules; groups without are left out."""
    found = {
        name: [parameter for module in members for parameter in module.parameters() if parameter.requires_grad]
        for name, members in modules.items()
    }
    return {name: parameters for name, parameters in found.items() if parameters}
