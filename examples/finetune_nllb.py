"""Fine-tune an NLLB-type model from a local folder with transformers' Trainer, its target languages balanced by CATS.

    python examples/finetune_nllb.py                               # a tiny random model and a toy corpus, seconds
    python examples/finetune_nllb.py FOLDER --pairs pairs.tsv --out tuned --learning-rate 3e-5 --steps 2000

FOLDER holds a model and an NllbTokenizer, such as a copy of nllb-200-distilled-600M; nothing is downloaded. A line of
pairs.tsv: the language of the target (`deu_Latn`), an English sentence, its translation, with tabs between. Each
target language is a task; one that the tokenizer lacks is added, with its characters and some pieces.
Needs `pip install 'catscale[hf]'`.
"""

import argparse
import json
import random
import tempfile
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    M2M100Config,
    M2M100ForConditionalGeneration,
    NllbTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Seq2SeqTrainingArguments,
)
from transformers.utils import logging

from catscale import CATS
from catscale.integrations.transformers import BalancedSeq2SeqTrainer, add_languages
from catscale.sampling import TemperatureSampling

Pair = tuple[str, str, str]  # language of the target, English sentence, its translation

NUMBERS = {
    "eng_Latn": "and one two three four five six seven eight nine ten eleven twelve",
    "deu_Latn": "und eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "fra_Latn": "et un deux trois quatre cinq six sept huit neuf dix onze douze",
    "spa_Latn": "y uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "nds_Latn": "un een twee dree veer fiev söss söven acht negen teihn ölven twölf",  # Low German, new to NLLB
}
TOY_SIZES = {"deu_Latn": 130, "fra_Latn": 60, "spa_Latn": 30, "nds_Latn": 60}


def toy_pairs() -> list[Pair]:
    """ "three and seven" and the like, in sizes out of balance."""
    pairs = []
    for language, size in TOY_SIZES.items():
        english, other = NUMBERS["eng_Latn"].split(), NUMBERS[language].split()
        sums = [(a, 0, b) for a in range(1, 13) for b in range(1, 13)]
        for words in random.Random(0).sample(sums, size):
            pairs.append((language, " ".join(english[n] for n in words), " ".join(other[n] for n in words)))
    return pairs


def make_toy_model(folder: Path, pairs: list[Pair]) -> None:
    """A random model of NLLB's class and a tokenizer of NLLB's, trained on the pairs, as a local folder."""
    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False)
    old = [pair for pair in pairs if pair[0] != "nds_Latn"]
    bpe.train_from_iterator([text for _, *texts in old for text in texts], trainer)
    parts = json.loads(bpe.to_str())["model"]
    tokenizer = NllbTokenizer(vocab=parts["vocab"], merges=[tuple(merge) for merge in parts["merges"]])
    tokenizer.save_pretrained(folder)
    shape = {"layers": 1, "attention_heads": 4, "ffn_dim": 128, "layerdrop": 0.0}
    sizes = {f"{side}_{what}": size for side in ("encoder", "decoder") for what, size in shape.items()}
    config = M2M100Config(vocab_size=len(tokenizer), d_model=64, init_std=0.1, dropout=0.0, **sizes)
    M2M100ForConditionalGeneration(config).save_pretrained(folder)


def read_pairs(path: Path) -> list[Pair]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(language, source, target) for language, source, target in (line.split("\t") for line in lines)]


def encode(tokenizer: PreTrainedTokenizerBase, pairs: list[Pair]) -> list[dict[str, object]]:
    """Rows of ids, with the task that the balancer goes by."""
    tokenizer.src_lang = "eng_Latn"
    rows = []
    for language, source, target in pairs:
        tokenizer.tgt_lang = language
        row = tokenizer(source, text_target=target, truncation=True, max_length=128)
        rows.append({**row, "task": language})
    return rows


def translate(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, sentence: str, language: str) -> str:
    tokenizer.src_lang = "eng_Latn"
    inputs = tokenizer(sentence, return_tensors="pt").to(model.device)
    tag = tokenizer.convert_tokens_to_ids(language)
    output = model.generate(**inputs, forced_bos_token_id=tag, num_beams=1, max_new_tokens=64)
    translations: list[str] = tokenizer.batch_decode(output, skip_special_tokens=True)
    return translations[0]


def fine_tune(folder: Path, pairs: list[Pair], out: Path, options: argparse.Namespace) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    new = sorted({language for language, *_ in pairs} - tokenizer.get_vocab().keys())
    if new:
        lines = {tag: [target for language, _, target in pairs if language == tag] for tag in new}
        like = dict.fromkeys(new, options.like)
        tokenizer = add_languages(model, tokenizer, like, lines, pieces=options.pieces, say=print)
    trainer = BalancedSeq2SeqTrainer(
        model,
        Seq2SeqTrainingArguments(
            str(out / "checkpoints"),
            max_steps=options.steps,
            learning_rate=options.learning_rate,
            lr_scheduler_type="linear",
            warmup_steps=options.steps // 10,
            per_device_train_batch_size=options.batch,
            gradient_accumulation_steps=2,
            label_smoothing_factor=0.1,
            bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
            logging_steps=max(1, options.steps // 4),
            save_steps=max(1, options.steps // 2),
            save_total_limit=1,
            dataloader_pin_memory=torch.cuda.is_available(),
            disable_tqdm=True,
            report_to=[],
        ),
        data_collator=DataCollatorForSeq2Seq(tokenizer),
        train_dataset=encode(tokenizer, pairs),
        processing_class=tokenizer,
        sampling=TemperatureSampling(temperature=5),  # rows of each step: small tasks more often than their size
        balancer_method=CATS(),  # `CATS(statistics="products")` with low_memory holds no gradient of a single task
    )
    trainer.train()
    trainer.save_model(str(out))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="model and tokenizer; without it, a tiny one is made")
    parser.add_argument("--pairs", type=Path, help="tab-separated: language, English, translation")
    parser.add_argument("--out", type=Path, help="where the tuned model goes; a temporary folder without it")
    parser.add_argument("--like", help="the tag that new languages start from; without it, the mean of all")
    parser.add_argument("--pieces", type=int, default=20, help="pieces to learn for new languages")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--batch", type=int, default=16, help="sentences a device, twice accumulated")
    parser.add_argument("--learning-rate", type=float, default=1e-2, help="a model that is trained wants 1e-5 to 1e-4")
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.manual_seed(0)
    pairs = read_pairs(options.pairs) if options.pairs else toy_pairs()
    with tempfile.TemporaryDirectory() as temporary:
        folder, out = options.folder or Path(temporary) / "toy", options.out or Path(temporary) / "tuned"
        if options.folder is None:
            torch.set_num_threads(1)  # the matrices are small
            make_toy_model(folder, pairs)
        fine_tune(folder, pairs, out, options)
        model = AutoModelForSeq2SeqLM.from_pretrained(out, local_files_only=True).eval()
        tokenizer = AutoTokenizer.from_pretrained(out, local_files_only=True)
        for language in sorted({language for language, *_ in pairs}):
            source, reference = next((s, t) for name, s, t in pairs if name == language)
            found = translate(model, tokenizer, source, language)
            print(f"{language}: {source!r} becomes {found!r}, the reference is {reference!r}")


if __name__ == "__main__":
    main()
