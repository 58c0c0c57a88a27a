"""New languages for a model and a tokenizer of transformers."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

from catscale.errors import ConfigError
from catscale.integrations.new_languages import add_languages
from catscale.model.new_rows import NOISE
from catscale.model.quiet import no_progress_bars
from tests.data.toy_corpora import sentences
from tests.model.nllb_folder import write_m2m100_folder, write_nllb_folder

TAGS = ("deu_Latn", "eng_Latn", "rus_Cyrl")
NEW = sentences("az", 150)
OLD = {"eng_Latn": sentences("en", 60), "deu_Latn": sentences("de", 60)}
PIECES = 20


class Base:
    def __init__(self, folder: Path) -> None:
        lines = [line for lines in OLD.values() for line in lines]
        write_nllb_folder(folder, TAGS, lines=lines, pieces=90)
        with no_progress_bars():
            self.model = AutoModelForSeq2SeqLM.from_pretrained(folder, local_files_only=True).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.size = len(self.model.get_input_embeddings().weight)
        self.said: list[str] = []

    def extend(self, model: Any = None, **options: Any) -> Any:
        settings: dict[str, Any] = {"new_languages": {"azj_Latn": "deu_Latn"}, "lines": {"azj_Latn": NEW, **OLD}}
        return add_languages(model or self.model, self.tokenizer, **(settings | options), say=self.said.append)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return Base(tmp_path_factory.mktemp("base") / "nllb")


@pytest.fixture(scope="module")
def extended(base: Base) -> tuple[Any, Any]:
    model = copy.deepcopy(base.model)
    return model, base.extend(model, pieces=PIECES)


def inputs_of(tokenizer: Any, source: str, target: str) -> Any:
    tokenizer.src_lang, tokenizer.tgt_lang = source, target
    pairs = list(zip(OLD["eng_Latn"], OLD["deu_Latn"], strict=True))[:10]
    return tokenizer([a for a, _ in pairs], text_target=[b for _, b in pairs], padding=True, return_tensors="pt")


def test_old_ids_stay_and_the_new_language_is_read(base: Base, extended: tuple[Any, Any]) -> None:
    _, tokenizer = extended
    assert type(tokenizer) is type(base.tokenizer)
    before = base.tokenizer.get_vocab()
    after = tokenizer.get_vocab()
    assert {token: after[token] for token in before} == before
    assert len(tokenizer) == base.size + 1 + 9 + PIECES
    assert tokenizer.unk_token_id not in {number for ids in tokenizer(NEW).input_ids for number in ids}
    tokenizer.src_lang = "azj_Latn"
    (first, *_, last) = tokenizer(NEW[0]).input_ids
    assert (first, last) == (after["azj_Latn"], tokenizer.eos_token_id)
    assert tokenizer.decode(tokenizer(NEW[0]).input_ids, skip_special_tokens=True) == NEW[0]
    assert "azj_Latn" not in base.tokenizer.get_vocab()


def test_old_logits_stay_and_the_tables_are_one(base: Base, extended: tuple[Any, Any]) -> None:
    model, tokenizer = extended
    one, two = (inputs_of(each, "eng_Latn", "deu_Latn") for each in (base.tokenizer, tokenizer))
    assert torch.equal(one["input_ids"], two["input_ids"])
    assert torch.equal(one["labels"], two["labels"])
    with torch.no_grad():
        before, after = base.model(**one).logits, model(**two).logits
    assert (before - after[..., : base.size]).abs().max() < 1e-5
    tables = [model.model.shared, model.model.encoder.embed_tokens, model.model.decoder.embed_tokens, model.lm_head]
    assert len({table.weight.data_ptr() for table in tables}) == 1
    assert model.config.vocab_size == len(tokenizer) == len(model.lm_head.weight)


def test_new_rows_start_from_old_ones(base: Base, extended: tuple[Any, Any]) -> None:
    model, tokenizer = extended
    table, vocabulary = model.get_input_embeddings().weight, tokenizer.get_vocab()
    assert torch.equal(table[: base.size], base.model.get_input_embeddings().weight)
    noise = table[vocabulary["azj_Latn"]] - table[vocabulary["deu_Latn"]]
    assert 0 < noise.std() < 2 * NOISE * table[: base.size].std()
    assert table.requires_grad


def test_what_was_found_is_said(base: Base, extended: tuple[Any, Any]) -> None:
    said = "\n".join(base.said)
    assert "azj_Latn: 9 characters are missing" in said
    assert "added: 9 characters, 20 pieces, azj_Latn (like deu_Latn); the ids of all that was there stay" in said
    assert "all of 120 lines of eng_Latn, deu_Latn are cut as before" in said


def test_both_are_saved_and_read_again(extended: tuple[Any, Any], tmp_path: Path) -> None:
    model, tokenizer = extended
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert again.get_vocab() == tokenizer.get_vocab()
    assert again(NEW).input_ids == tokenizer(NEW).input_ids
    read = AutoModelForSeq2SeqLM.from_pretrained(tmp_path, local_files_only=True)
    assert torch.equal(read.lm_head.weight, model.lm_head.weight)


def test_a_tag_alone_needs_no_text(base: Base) -> None:
    model = copy.deepcopy(base.model).requires_grad_(False)
    tokenizer = base.extend(model, new_languages={"azj_Latn": None}, lines=None)
    table, old = model.get_input_embeddings().weight, base.model.get_input_embeddings().weight
    assert len(tokenizer) == len(table) == base.size + 1
    tags = [base.tokenizer.convert_tokens_to_ids(tag) for tag in TAGS]
    assert torch.allclose(table[-1], old[tags].mean(0), atol=1e-6)
    assert not table.requires_grad


def test_tables_that_are_not_tied_get_rows_each(base: Base) -> None:
    model = copy.deepcopy(base.model)
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(2 * model.lm_head.weight.detach().clone())
    base.extend(model, new_languages={"azj_Latn": None}, lines=None)
    assert torch.allclose(model.lm_head.weight, 2 * model.get_input_embeddings().weight, atol=1e-6)


def test_nothing_to_add_changes_nothing(base: Base) -> None:
    assert base.extend(new_languages={}, lines=OLD) is base.tokenizer
    assert len(base.model.get_input_embeddings().weight) == base.size


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"new_languages": {"deu_Latn": None}}, "the folder has the tag deu_Latn already"),
        ({"new_languages": {"azj_Latn": "tur_Latn"}}, "'tur_Latn' is neither a tag of the folder nor"),
        ({"lines": {"aze": NEW}}, "or of those of the tokenizer, found 'aze'; name it in new_languages too"),
        ({"pieces": 5000}, r"found 5,000 for lines that give \d+; lower pieces"),
    ],
)
def test_wrong_arguments_are_refused(base: Base, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        base.extend(**options)
    assert len(base.model.get_input_embeddings().weight) == base.size


def test_another_class_of_model_is_refused(base: Base) -> None:
    other = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=8, vocab_size=10))
    with pytest.raises(ConfigError, match=r"M2M100ForConditionalGeneration \(M2M-100, NLLB\), found GPT2LMHeadModel"):
        base.extend(other)


def test_another_class_of_tokenizer_is_refused(base: Base, tmp_path: Path) -> None:
    write_m2m100_folder(tmp_path, pieces=90, lines=[*OLD["eng_Latn"], *OLD["deu_Latn"]])
    other = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    with pytest.raises(ConfigError, match="extends an NllbTokenizer, found M2M100Tokenizer, which saves no usable"):
        add_languages(base.model, other, {"azj_Latn": None})
