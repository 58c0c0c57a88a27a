"""What every architecture in the table promises; a new one is tested here by being listed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.contract import Wanted
from catscale.evaluation.decoding.huggingface import HuggingFaceBackend
from catscale.model.check_material import DIRECTIONS, VOCABULARY, build
from catscale.model.checks import CHECKS
from catscale.model.contract import Architecture
from catscale.model.pretrained import Pretrained
from catscale.model.table import ARCHITECTURES
from catscale.model.transformer import Transformer
from tests.model.adapted import Adapted
from tests.model.nllb_folder import working_beside
from tests.unchecked import unchecked

SMALL: dict[str, Any] = {
    "preset": "tiny",
    "width": 16,
    "heads": 2,
    "feed_forward": 24,
    "encoder_layers": 2,
    "decoder_layers": 1,
}
FOLDER = Path("here")
NEEDED: dict[str, dict[str, Any]] = {"pretrained": {"pretrained": FOLDER}}
"""Settings without a default; the folder is one that a fixture makes."""
VARIANTS: dict[str, Architecture] = {
    name: found(**SMALL) if issubclass(found, Transformer) else unchecked(found)(**NEEDED.get(name, {}))
    for name, found in ARCHITECTURES.items()
}
VARIANTS |= {
    "m2m100, no norms": unchecked(ARCHITECTURES["m2m100"])(**SMALL, layer_norm_parameters=False),
    "pretrained, frozen": unchecked(Pretrained)(pretrained=FOLDER, dropout=0.3, freeze=["embeddings", "layer_norm"]),
    "pretrained, lora": unchecked(Pretrained)(pretrained=FOLDER, adapters={"rank": 2}),
    "pretrained, dora": unchecked(Pretrained)(
        pretrained=FOLDER,
        freeze=["embeddings"],
        adapters={"method": "dora", "rank": 3, "targets": ["fc1", "fc2", "q_proj"]},
    ),
    "pretrained, routing": unchecked(Pretrained)(
        pretrained=FOLDER, freeze=["embeddings", "attention", "feed_forward"], routing={"rank": 2, "gate_width": 4}
    ),
    "pretrained, frozen, language_adapters": unchecked(Pretrained)(
        pretrained=FOLDER,
        freeze=["embeddings", "encoder", "decoder"],
        language_adapters={"bottleneck": 2, "language": "sides", "families": {"one": ["en", "tr"]}},
    ),
    "toy": Adapted(**SMALL),
}


@pytest.fixture(scope="module", autouse=True)
def _in_a_folder_with(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Works where `FOLDER` is that of a model."""
    with working_beside(FOLDER, tmp_path_factory.mktemp("work"), VOCABULARY.size):
        yield


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", VARIANTS)
def test_the_contract(name: str, check: Callable[[Architecture], None]) -> None:
    check(VARIANTS[name])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_names_agree_with_the_table(name: str) -> None:
    assert ARCHITECTURES[name].model_fields["architecture"].default == name


@pytest.mark.parametrize("name", ["latent_depth", "subnetworks", "routed"])
def test_what_is_more_than_a_plain_network_decodes_in_bfloat16(name: str) -> None:
    model = build(VARIANTS[name]).to(torch.bfloat16)
    settings = EvaluationConfig(beam=2, batch_tokens=32, max_length=3)
    sources = [([[30, 5, 6, 2], [30, 7, 2]], 5)]
    (found,) = HuggingFaceBackend(model, settings).run(sources, DIRECTIONS[0], 33, Wanted(scores=True))
    assert all(each[0].log_probability is not None and each[0].log_probability < 0 for each in found)
