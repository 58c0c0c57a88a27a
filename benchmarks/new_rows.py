"""How new rows should start: the NLL of old and new directions before any training (figures: `docs/pretrained.md`).

python benchmarks/new_rows.py BASE CORPUS [--new be] [--like ru] [--old ru,bg,mk,pt,fr]

BASE is the `best/` of a run from English that lacks the new language, CORPUS OPUS-100's or Tatoeba's folder. The new
language's train lines give characters and pieces; NLL is of the first test sentences, nats per character of the target,
so that other pieces do not matter. Starts of the rows of characters: *resembling*, as `find_relative` has it, or else
the mean of all rows; *mean* of all rows; *unk*, the row of `<unk>`; *random*, a normal draw of the table's standard
deviation, which pieces and the tag get then too.
"""

import argparse
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.utils import logging

from catscale.model.new_rows import extend_state
from catscale.vocabulary.extension import Extension, RowOrigins, extend, find_missing, tokenizer_of, union_of
from catscale.vocabulary.pretrained.tokenizer_file import read_tokenizer_file

SENTENCES = 100
STARTS = ("resembling", "mean", "unk", "random")


def read_pairs(corpus: Path, language: str, split: str) -> list[tuple[str, str]]:
    """English and another language's lines of a split."""
    (folder,) = (path for path in corpus.glob("supervised/*") if set(path.name.split("-")) == {language, "en"})
    texts = [folder / f"opus.{folder.name}-{split}.{code}" for code in ("en", language)]
    english, other = (path.read_text(encoding="utf-8").splitlines() for path in texts)
    return list(zip(english, other, strict=True))


def start_otherwise(extension: Extension, size: int, unknown: int, start: str) -> RowOrigins:
    """The origins with another start for the rows of characters."""
    if start in ("resembling", "random"):
        return extension.rows
    letters = {size + n for n, token in enumerate(extension.added) if len(token) == 1}
    bases = [() if start == "mean" else (unknown,) for _ in extension.rows.bases]
    chosen = [bases[n] if n in letters else one for n, one in enumerate(extension.rows.bases)]
    return RowOrigins(tuple(chosen), extension.rows.noisy | letters)


def build(base: Any, rows: RowOrigins, size: int, start: str) -> Any:
    """The base with other tables."""
    state = extend_state(base.state_dict(), rows, seed=1)
    table = state["model.shared.weight"]
    if start == "random":
        torch.manual_seed(1)
        table[size:] = torch.randn(len(table) - size, table.shape[1]) * table[:size].std()
    config = type(base.config)(**(base.config.to_dict() | {"vocab_size": len(rows.bases)}))
    model = type(base)(config).eval()
    model.load_state_dict(state)
    return model


def measure(model: Any, content: dict[str, Any], pairs: list[tuple[str, str]], language: str) -> float:
    """The NLL of targets, nats per character."""
    tokenizer = tokenizer_of(content)
    ids = {token["content"]: token["id"] for token in content["added_tokens"]}
    total = characters = 0.0
    for source, target in pairs[:SENTENCES]:
        cut = [tokenizer.encode(text.strip(), add_special_tokens=False).ids for text in (source, target)]
        inputs = torch.tensor([[ids["__en__"], *cut[0], ids["</s>"]]])
        outputs = torch.tensor([[ids["</s>"], ids[f"__{language}__"], *cut[1], ids["</s>"]]])
        with torch.no_grad():
            logits = model(input_ids=inputs, decoder_input_ids=outputs[:, :-1]).logits[0, 1:]
        total += float(torch.nn.functional.cross_entropy(logits, outputs[0, 2:], reduction="sum"))
        characters += len(target.strip())
    return total / characters


def main() -> None:
    """Print a row for each number of pieces and each start."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--new", default="be")
    parser.add_argument("--like", default="ru")
    parser.add_argument("--old", default="ru,bg,mk,pt,fr")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    base = AutoModelForSeq2SeqLM.from_pretrained(arguments.base, local_files_only=True).eval()
    size, old = base.config.vocab_size, arguments.old.split(",")
    content = read_tokenizer_file(arguments.base / "tokenizer.json", size)
    unknown = AutoTokenizer.from_pretrained(arguments.base, local_files_only=True).unk_token_id
    lines = [target for _, target in read_pairs(arguments.corpus, arguments.new, "train")]
    letters = union_of(find_missing(content, {arguments.new: lines}).values())
    tests = {code: read_pairs(arguments.corpus, code, "test") for code in (*old, arguments.new)}
    before = {code: measure(base, content, tests[code], code) for code in old}
    print(f"{len(letters)} characters are missing; {', '.join(old)}: {sum(before.values()) / len(old):.4f} nats")
    print(
        f"| pieces | rows of characters | {' | '.join(old)} | {arguments.new} |\n|---:|---|{'---:|' * (len(old) + 1)}"
    )
    for pieces in (0, 500):
        tags = {f"__{arguments.new}__": f"__{arguments.like}__"}
        extension = extend(content, tags=tags, characters=letters, pieces=pieces, lines=lines)
        for start in STARTS:
            model = build(base, start_otherwise(extension, size, unknown, start), size, start)
            found = {code: measure(model, extension.content, tests[code], code) for code in tests}
            rises = " | ".join(f"{found[code] / before[code] - 1:+.2%}" for code in old)
            print(f"| {pieces} | {start} | {rises} | {found[arguments.new]:.3f} |", flush=True)


if __name__ == "__main__":
    main()
