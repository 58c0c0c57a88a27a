"""Token losses of a batch: label-smoothed for training, plain for validation.

Legend: B sentences, T target positions, M predicted tokens, W width, V vocabulary, K tasks.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from catscale.data.batching import Batch
from catscale.data.joining import JoinedBatch
from catscale.model.chunked_cross_entropy import SCORES_AT_ONCE, chunked_cross_entropy
from catscale.model.contract import Prediction, TranslationModel
from catscale.model.cross_entropy import smoothed_cross_entropy


def token_losses(said: Prediction, smoothing: float) -> tuple[Tensor, Tensor]:
    """Compute the losses of the predicted tokens of a batch: at once, or in chunks where they have too many scores.

    Args:
        said: The prediction of a model.
        smoothing: ε of label smoothing.

    Returns:
        The (M,) smoothed losses with their graph and the (M,) NLL without, float32; nats.
    """
    if len(said.labels) * sum(map(len, said.tables)) <= SCORES_AT_ONCE:  # none without tables
        return smoothed_cross_entropy(said.logits, said.labels, smoothing)
    return chunked_cross_entropy(said.output, said.labels, smoothing, said.tables)


class Objective(torch.nn.Module):
    """A model and its loss in one module: what FSDP2 gathers and frees parameters around.

    Args:
        model: Its parameters are trained.
    """

    def __init__(self, model: TranslationModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch | JoinedBatch, smoothing: float, tasks: int = 1) -> tuple[Tensor, Tensor]:
        """Compute what `batch_losses` does, or of a joined batch what `joined_losses` does."""
        if isinstance(batch, JoinedBatch):
            return joined_losses(self.model, batch, smoothing, tasks)
        return batch_losses(self.model, batch, smoothing)


def batch_losses(model: TranslationModel, batch: Batch, smoothing: float) -> tuple[Tensor, Tensor]:
    """Compute the losses of a batch, summed over its predicted tokens.

    The model's regulariser, where it has one, is part of the first: once for each predicted token.

    Args:
        model: In training mode, for its regulariser.
        batch: On the model's device.
        smoothing: ε of label smoothing.

    Returns:
        The smoothed cross-entropy () float32 with its graph, and the NLL () float64 without; nats.
    """
    said = model.predict(batch)
    smoothed, nll = token_losses(said, smoothing)
    loss, nats = smoothed.sum(), nll.sum(dtype=torch.float64)
    return loss if said.regulariser is None else loss + batch.tokens * said.regulariser, nats


def joined_losses(model: TranslationModel, joined: JoinedBatch, smoothing: float, tasks: int) -> tuple[Tensor, Tensor]:
    """Compute the losses of each task of a joined batch, summed over its predicted tokens.

    Args:
        model: One that mixes directions.
        joined: On the model's device.
        smoothing: ε of label smoothing.
        tasks: K, above every owner of the batch.

    Returns:
        The smoothed cross-entropy (K,) float32 with its graph, and the NLL (K,) float64 without; nats.
    """
    said = model.predict(joined.batch)
    smoothed, nll = token_losses(said, smoothing)
    sums, nats = smoothed.new_zeros(tasks), torch.zeros(tasks, dtype=torch.float64, device=nll.device)
    return sums.index_add(0, joined.owners, smoothed), nats.index_add_(0, joined.owners, nll.double())


def sentence_losses(model: TranslationModel, batch: Batch) -> Tensor:
    """Compute the NLL of each sentence of a batch, summed over its predicted tokens.

    Args:
        model: The model in evaluation mode.
        batch: On the model's device.

    Returns:
        (B,) float64 nats, without a graph to differentiate.
    """
    with torch.no_grad():
        said = model.predict(batch)
        _, nll = token_losses(said, 0.0)  # (M,)
        sentences = batch.predicted // batch.labels.shape[1]  # (M,) which sentence a token is of
        totals = torch.zeros(len(batch.labels), dtype=torch.float64, device=nll.device)
        return totals.index_add_(0, sentences, nll.double())


def mean_entropy(model: TranslationModel, batch: Batch) -> float:
    """Compute the entropy of the predictions, mean over a batch's predicted tokens, nats.

    Args:
        model: The model in evaluation mode.
        batch: On the model's device.
    """
    with torch.no_grad():
        scores = model.predict(batch).logits.float().log_softmax(1)
        return -float((scores.exp() * scores).sum(1).mean(dtype=torch.float64))


def twice_differentiable_nll(model: TranslationModel, batch: Batch) -> Tensor:
    """Compute the NLL of a batch, summed over its predicted tokens, whose gradient can be differentiated again.

    Args:
        model: The model in evaluation mode.
        batch: On the model's device.

    Returns:
        () with its graph, in nats, of the parameters' own precision.
    """
    said = model.predict(batch)
    return F.cross_entropy(said.logits, said.labels, reduction="sum")
