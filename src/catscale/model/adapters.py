"""Settings of adapters: small matrices that are trained in the place of the weights that they stand beside."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import Field, field_validator

from catscale.settings import Settings

Target = Literal["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]
TARGETS: tuple[Target, ...] = get_args(Target)
"""The linear layers of M2M-100: queries, keys, values and outputs of attention, and the two of a feed-forward layer."""
FEED_FORWARD: tuple[Target, ...] = ("fc1", "fc2")


class AdapterSettings(Settings):
    """Adapters of a pre-trained model, which itself stays as it is; rows of new tokens are trained with them.

    A layer y = W x becomes y = W x + (alpha / rank) B A x, with A (rank × inputs) drawn and B (outputs × rank) zero, so
    that the model is the same at the start. Source: Hu et al., LoRA, 2021; Liu et al., DoRA, 2024, which trains the
    norms of the rows of W too. Both are PEFT's.

    Attributes:
        method: `lora`, or `dora`, which costs more time and memory for a little more quality at a low rank.
        rank: Rows of A and columns of B; larger ranks learn more and take more memory.
        alpha: The strength of the adapters is alpha / rank.
        dropout: Dropout of what an adapter reads.
        targets: The linear layers that get one, in every layer of both sides: of `q_proj`, `k_proj`, `v_proj`,
            `out_proj` (attention) and `fc1`, `fc2` (feed-forward).
    """

    method: Literal["lora", "dora"] = "lora"
    rank: int = Field(16, ge=1, le=4096)
    alpha: float = Field(32.0, gt=0, le=1e6, allow_inf_nan=False)
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: tuple[Target, ...] = Field(default=("q_proj", "v_proj"), strict=False)

    @field_validator("targets")
    @classmethod
    def _check_targets(cls, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        if not targets or len(set(targets)) < len(targets):
            raise ValueError(f"must name one layer or more, each once, of {', '.join(TARGETS)}")
        return targets

    def count_parameters(self, sizes: Mapping[str, Any]) -> int:
        """Count the parameters of all adapters: r (inputs + outputs) for a layer, with DoRA the outputs once more.

        Args:
            sizes: The sizes of the model by the names of `transformers.M2M100Config`.
        """
        width, total = int(sizes["d_model"]), 0
        for side, attentions in (("encoder", 1), ("decoder", 2)):
            feed_forward = int(sizes[f"{side}_ffn_dim"])
            shapes = dict.fromkeys(TARGETS, (width, width, attentions))
            shapes |= {"fc1": (width, feed_forward, 1), "fc2": (feed_forward, width, 1)}
            for inputs, outputs, times in (shapes[target] for target in self.targets):
                each = self.rank * (inputs + outputs) + (outputs if self.method == "dora" else 0)
                total += int(sizes[f"{side}_layers"]) * times * each
        return total

    def frozen_by(self, parts: tuple[str, ...]) -> list[str]:
        """Return the parts among those that are held fixed that hold a layer with an adapter.

        Args:
            parts: Names of `model.freeze`.

        >>> AdapterSettings().frozen_by(("embeddings", "feed_forward", "decoder"))
        ['decoder']
        """
        holding = {"encoder", "decoder"}
        holding |= {"feed_forward"} if set(self.targets) & set(FEED_FORWARD) else set()
        holding |= {"attention"} if set(self.targets) - set(FEED_FORWARD) else set()
        return [part for part in parts if part in holding]
