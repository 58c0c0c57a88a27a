"""Named groups of a model's parameters: what layer-wise balancing and gradient norms of one layer are taken over."""

from typing import Any

from torch.nn import Parameter


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
    found = {name: [p for p in module.parameters() if p.requires_grad] for name, module in modules.items()}
    return {name: parameters for name, parameters in found.items() if parameters}
