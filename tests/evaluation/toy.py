"""Small models that learn something in seconds, for the tests of decoding."""

from pathlib import Path

import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration

from catscale.vocabulary.contract import Vocabulary


def small_model(
    vocabulary: Vocabulary, seed: int = 0, positions: int = 64, init_std: float = 0.1
) -> M2M100ForConditionalGeneration:
    torch.manual_seed(seed)
    config = M2M100Config(
        vocab_size=vocabulary.size,
        d_model=64,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        encoder_layerdrop=0.0,
        decoder_layerdrop=0.0,
        dropout=0.0,
        attention_dropout=0.0,
        init_std=init_std,  # far more than usual: it learns in seconds
        max_position_embeddings=positions,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
    )
    return M2M100ForConditionalGeneration(config).eval()


def train(
    model: M2M100ForConditionalGeneration,
    pairs: list[tuple[list[int], list[int]]],
    tags: tuple[int, int],
    steps: int,
    batch: int = 32,
) -> float:
    """Adam on batches of neighbours by length; gives the last loss."""
    pairs = sorted(pairs, key=lambda pair: (len(pair[0]), len(pair[1])))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        start = int(torch.randint(0, max(1, len(pairs) - batch), (), generator=generator))
        chosen = pairs[start : start + batch]
        source = padded([[tags[0], *source, 2] for source, _ in chosen])
        target = padded([[2, tags[1], *target, 2] for _, target in chosen])
        logits = model(input_ids=source, attention_mask=(source != 1).long(), decoder_input_ids=target[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def padded(rows: list[list[int]]) -> torch.Tensor:
    width = max(map(len, rows))
    return torch.tensor([row + [1] * (width - len(row)) for row in rows])


def save(model: M2M100ForConditionalGeneration, vocabulary: Vocabulary, folder: Path) -> Path:
    model.save_pretrained(folder)
    vocabulary.save(folder)
    return folder
