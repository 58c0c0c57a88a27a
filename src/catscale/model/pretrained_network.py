"""The network of a pre-trained model's folder, read with PyTorch."""

from collections.abc import Mapping
from pathlib import Path

import torch

from catscale.errors import ConfigError
from catscale.model.base_folder import list_weights, read_sizes
from catscale.model.limits import count_parameters
from catscale.model.m2m100_model import M2M100Model, empty_network, fill_network, read_config
from catscale.model.memory import check_memory
from catscale.model.new_rows import extend_state
from catscale.model.quiet import be_quiet
from catscale.model.saved_tensors import check_parts, load_parts
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.pretrained.vocabulary import PretrainedVocabulary


def read_network(folder: Path, vocabulary: Vocabulary, dropouts: Mapping[str, float], seed: int) -> M2M100Model:
    """Read a model of M2M-100's class, float32, in training mode; layers are never dropped as a whole.

    Args:
        folder: Its folder, whose files may be links.
        vocabulary: The folder's.
        dropouts: Dropouts in place of the folder's, by the names of `transformers.M2M100Config`.
        seed: Decides the noise on new rows.

    Raises:
        ConfigError: If the folder's model is of another class, or has another number of embeddings.
        CheckpointError: If its files are damaged.
    """
    be_quiet()
    check_memory(count_parameters(read_sizes(folder), vocabulary.size))
    config = read_config(folder, follow=True)
    rows = vocabulary.rows if isinstance(vocabulary, PretrainedVocabulary) else None
    if rows is None and vocabulary.size != config.vocab_size:
        raise ConfigError(
            f"model.pretrained {folder} has {config.vocab_size:,} embeddings and the vocabulary {vocabulary.size:,}; "
            "build the vocabulary from the same folder: vocabulary: {kind: pretrained, path: …}"
        )
    tensors = load_parts(list_weights(folder), folder, empty_network(config), follow=True)
    if rows is not None:
        tensors, config.vocab_size = extend_state(tensors, rows, seed), len(rows.bases)
    for name, share in {**dropouts, "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0}.items():
        setattr(config, name, share)
    torch.manual_seed(seed)
    return M2M100Model(fill_network(config, tensors).train())


def check_network(folder: Path) -> None:
    """Refuse a folder whose files of tensors are damaged, or hold another model than its `config.json` describes.

    Headers alone are read, in no time and without memory.

    Raises:
        CatscaleError: If it is no whole model.
    """
    be_quiet()
    check_parts(list_weights(folder), folder, empty_network(read_config(folder, follow=True)), follow=True)
