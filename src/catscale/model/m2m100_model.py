"""The model of `m2m100`: what the rest of catscale asks of a model, answered by the one of transformers.

Legend: B sentences, T target positions, M predicted tokens, W width, V vocabulary.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import LayerNorm, Module, Parameter
from transformers import GenerationConfig, M2M100Config, M2M100ForConditionalGeneration

from catscale.data.batching import Batch
from catscale.data.direction import Direction
from catscale.model.contract import Prediction, TranslationModel
from catscale.model.limits import count_parameters
from catscale.model.masked_passes import run_network
from catscale.model.memory import check_memory
from catscale.model.output_layer import list_tables
from catscale.model.quiet import be_quiet
from catscale.model.saved_config import read_saved_config
from catscale.model.saved_tensors import WEIGHTS, load_tensors
from catscale.vocabulary.contract import Vocabulary


class M2M100Model(TranslationModel):
    """A model of transformers whose parameters all directions share.

    Args:
        network: An `M2M100ForConditionalGeneration`.
    """

    mixes_directions = casts_layers = True

    def __init__(self, network: M2M100ForConditionalGeneration) -> None:
        super().__init__()
        self.network = network

    def predict(self, batch: Batch) -> Prediction:
        """Predict, as `TranslationModel.predict`; the positions that are not predicted skip the output layer."""
        hidden = run_network(self.network, batch)  # (B, T, W)
        said, labels = (every.flatten(0, 1).index_select(0, batch.predicted) for every in (hidden, batch.labels))
        tables = list_tables(self.network.lm_head)
        return Prediction(said if tables else self.network.lm_head(said), labels, tables=tables)

    def compute_twice(self) -> None:
        """Have transformers compute the layers again in the backward pass, with the dropout of the first time."""
        network = self.network
        enable = getattr(network, "activation_checkpointing_enable", None)  # earlier versions have the other name
        (enable or network.gradient_checkpointing_enable)({"use_reentrant": False})

    def layers(self) -> Sequence[Module]:
        """List the layers of both sides."""
        network = self.network.model
        return [*network.encoder.layers, *network.decoder.layers]

    def parameter_groups(self) -> dict[str, list[Parameter]]:
        """Group by layer: embedding, final norms, encoder.0 …, decoder.0 …."""
        encoder, decoder = self.network.model.encoder, self.network.model.decoder
        modules = {
            "embedding": self.network.model.shared,
            "encoder.norm": encoder.layer_norm,
            "decoder.norm": decoder.layer_norm,
            **{f"encoder.{number}": layer for number, layer in enumerate(encoder.layers)},
            **{f"decoder.{number}": layer for number, layer in enumerate(decoder.layers)},
        }
        return _trainable({name: [module] for name, module in modules.items()})

    def module_groups(self) -> dict[str, list[Parameter]]:
        """Group by kind of module, over all layers, as in the paper's Figures 3 and 4.

        E.SA, D.SA: self-attention of encoder and decoder; D.EA: attention of the decoder to the encoder; E.FC, D.FC:
        feed-forward layers; E.LN, D.LN: all layer normalisations, the last one of each side included. The embeddings
        are in none. A group without trainable parameters (frozen layer normalisations) is left out.
        """
        encoder, decoder = self.network.model.encoder, self.network.model.decoder
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

    def generator(self, direction: Direction) -> Any:
        """Return the network, which is the same for all directions."""
        return self.network

    @property
    def positions(self) -> int:
        """Positions that the model has, on either side."""
        return int(self.network.config.max_position_embeddings)

    def description(self) -> dict[str, Any]:
        """Describe the network as transformers does."""
        found: dict[str, Any] = self.network.config.to_dict()
        return found

    def keep_search(self, search: Mapping[str, Any]) -> None:
        """Have `save` write `generation_config.json`."""
        self.network.generation_config = GenerationConfig(**search)

    @property
    def stored(self) -> Module:
        """The network, so that a folder is a standard one."""
        found: Module = self.network
        return found

    def save(self, folder: Path, tensors: Mapping[str, Tensor] | None = None) -> None:
        """Write a folder that `from_pretrained` reads, as `TranslationModel.save`."""
        self.network.save_pretrained(folder, state_dict=tensors)

    def plain(self, direction: Direction) -> "M2M100Model":
        """Return the model itself."""
        return self


def layers_of(network: Any, side: str) -> Any:
    """Return the layers of a side of a network, `encoder` or `decoder`."""
    return getattr(network.model, side).layers


def build_network(sizes: Mapping[str, Any], vocabulary: Vocabulary, seed: int) -> M2M100ForConditionalGeneration:
    """Build a network with random parameters.

    Args:
        sizes: The sizes by the names of `transformers.M2M100Config`.
        vocabulary: Gives the number of embeddings and the control tokens.
        seed: Seeds the initial weights.

    Raises:
        ConfigError: If there is no memory for it.
    """
    check_memory(count_parameters(sizes, vocabulary.size))
    be_quiet()
    torch.manual_seed(seed)
    return M2M100ForConditionalGeneration(
        M2M100Config(
            vocab_size=vocabulary.size,
            init_std=sizes["d_model"] ** -0.5,
            encoder_layerdrop=0.0,
            decoder_layerdrop=0.0,
            scale_embedding=True,
            pad_token_id=vocabulary.pad_id,
            bos_token_id=vocabulary.bos_id,
            eos_token_id=vocabulary.eos_id,
            decoder_start_token_id=vocabulary.eos_id,
            **sizes,
        )
    )


def load_network(folder: Path) -> M2M100ForConditionalGeneration:
    """Read the network of a Hugging Face folder, float32; nothing in the folder is executed or unpickled.

    Raises:
        CheckpointError: If the folder holds no readable model, or not all of its tensors.
    """
    be_quiet()
    config = read_config(folder)
    return fill_network(config, load_tensors(folder / WEIGHTS, empty_network(config)))


def fill_network(config: M2M100Config, tensors: Mapping[str, Tensor]) -> M2M100ForConditionalGeneration:
    """Build a network with given tensors, float32, in evaluation mode.

    Args:
        config: Its configuration.
        tensors: Name → tensor, each under one of its names at least.
    """
    network = M2M100ForConditionalGeneration.from_pretrained(
        None, config=config, state_dict=dict(tensors), dtype=torch.float32, local_files_only=True
    )
    network.config.name_or_path = ""  # transformers writes "None"
    return network


def read_config(folder: Path, follow: bool = False) -> M2M100Config:
    """Read a network's configuration.

    Args:
        folder: The network's.
        follow: Whether its files may be symbolic links, because a user named it.

    Raises:
        CheckpointError: If it is missing, damaged, or of another kind of model.
    """
    return M2M100Config(**read_saved_config(folder, follow).model_dump(exclude={"model_type", "architectures"}))


def new_network(folder: Path) -> M2M100ForConditionalGeneration:
    """Build the network that a folder's `config.json` describes, with random parameters.

    Raises:
        CheckpointError: If the file is missing, damaged, or of another kind of model.
    """
    be_quiet()
    return M2M100ForConditionalGeneration(read_config(folder))


def empty_network(config: M2M100Config) -> M2M100ForConditionalGeneration:
    """Build a network without memory."""
    with torch.device("meta"):
        return M2M100ForConditionalGeneration(config)


def _trainable(modules: Mapping[str, Sequence[Module]]) -> dict[str, list[Parameter]]:
    """List the trainable parameters of each group of modules; groups without are left out."""
    found = {
        name: [parameter for module in members for parameter in module.parameters() if parameter.requires_grad]
        for name, members in modules.items()
    }
    return {name: parameters for name, parameters in found.items() if parameters}
