"""A tiny M2M100 model and rows of made-up ids in three tasks of very different sizes."""

from pathlib import Path
from typing import Any

import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration, Seq2SeqTrainingArguments

SIZES = {"large": 24, "middle": 8, "small": 4}
TASKS = sorted(SIZES)


def make_model(dropout: float = 0.0) -> M2M100ForConditionalGeneration:
    torch.manual_seed(0)
    return M2M100ForConditionalGeneration(
        M2M100Config(
            vocab_size=20,
            d_model=16,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=32,
            decoder_ffn_dim=32,
            dropout=dropout,
            attention_dropout=0.0,
            encoder_layerdrop=0.0,
            decoder_layerdrop=0.0,
            max_position_embeddings=32,
        )
    )


def make_rows(column: str | None = "task") -> list[dict[str, Any]]:
    """Targets are the sources plus 1 (large), 2 (middle) or 3 (small); lengths from 2 to 7."""
    generator = torch.Generator().manual_seed(0)
    rows: list[dict[str, Any]] = []
    for shift, (task, size) in enumerate(SIZES.items(), start=1):
        for index in range(size):
            source = torch.randint(4, 17, (2 + index % 6,), generator=generator).tolist()
            row: dict[str, Any] = {"input_ids": source, "labels": [token + shift for token in source] + [2]}
            rows.append(row if column is None else {**row, column: task})
    return rows


def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    assert all(row.keys() == {"input_ids", "labels"} for row in rows)
    return {
        "input_ids": pad([row["input_ids"] for row in rows], 1),
        "attention_mask": pad([[1] * len(row["input_ids"]) for row in rows], 0),
        "labels": pad([row["labels"] for row in rows], -100),
    }


def pad(rows: list[list[int]], value: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [value] * (longest - len(row)) for row in rows])


def arguments(folder: Path, **changes: Any) -> Seq2SeqTrainingArguments:
    settings: dict[str, Any] = {
        "per_device_train_batch_size": 6,
        "max_steps": 6,
        "optim": "sgd",  # Adam's first steps are signs, which blow up rounding
        "learning_rate": 0.3,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "use_cpu": True,
        "disable_tqdm": True,
        "seed": 1,
    }
    return Seq2SeqTrainingArguments(str(folder), **(settings | changes))
