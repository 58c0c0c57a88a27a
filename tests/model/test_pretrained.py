"""A model that starts from a folder is that folder's model, as plain transformers has it."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, NllbTokenizer

from catscale.data.batching import IGNORED, Batch, make_batch
from catscale.data.direction import Direction
from catscale.errors import CheckpointError, ConfigError
from catscale.evaluation.decoding.ctranslate2 import convert_model
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import sentence_losses
from catscale.model.m2m100 import M2M100
from catscale.model.m2m100_model import M2M100Model
from catscale.model.pretrained import Pretrained
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.pretrained.settings import PretrainedVocabularySettings
from tests.data.toy_corpora import sentences
from tests.model.nllb_folder import write_m2m100_folder, write_nllb_folder
from tests.unchecked import unchecked

DIRECTIONS = [Direction("en", "de"), Direction("de", "az")]
TEXTS = {language: sentences(language, 40) for language in ("az", "de", "en")}
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
NEW = {"new_languages": {"xx": {"tag": "xxx_Cyrl", "like": "rus_Cyrl"}}, "pieces": 5}
ODD = ["ңa ңb ңa", "ңa ө ң thecat"] * 10
OLD = 1e-6
"""The difference of NLL that is allowed, in nats per token, where both models compute in float64."""


@pytest.fixture(scope="module")
def nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nllb")
    write_nllb_folder(folder, dropout=0.1, attention_dropout=0.1, encoder_layerdrop=0.2)
    return folder


@pytest.fixture(scope="module")
def m2m(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("m2m100")
    write_m2m100_folder(folder)
    return folder


@pytest.fixture
def folder(nllb: Path, tmp_path: Path) -> Path:
    return shutil.copytree(nllb, tmp_path / "base")


def settings(folder: Path, **more: Any) -> Pretrained:
    found: Pretrained = unchecked(Pretrained)(pretrained=folder, **more)
    return found


def vocabulary_of(made: Pretrained, texts: Any = TEXTS) -> Vocabulary:
    section = PretrainedVocabularySettings.model_validate(made.imply_vocabulary())
    return section.build_from([], texts, lambda line: None)


def build(made: Pretrained, texts: Any = TEXTS) -> tuple[M2M100Model, Vocabulary]:
    vocabulary = vocabulary_of(made, texts)
    model = made.build(vocabulary, DIRECTIONS, 1)
    assert isinstance(model, M2M100Model)
    return model, vocabulary


def batch_of(vocabulary: Vocabulary, direction: Direction, sentences: int = 5) -> Batch:
    sides = [vocabulary.encode(TEXTS[code][:sentences]) for code in (direction.source, direction.target)]
    return make_batch(sides[0], sides[1], vocabulary, direction)


def plain_losses(folder: Path, tags: dict[str, str], direction: Direction, **options: Any) -> torch.Tensor:
    """NLL of each sentence, nats per token, by transformers alone: its tokenizer, its labels, its shift of them."""
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).double().eval()
    tokenizer.src_lang, tokenizer.tgt_lang = tags[direction.source], tags[direction.target]
    found = []
    for source, target in zip(TEXTS[direction.source][:5], TEXTS[direction.target][:5], strict=True):
        inputs = tokenizer(source, text_target=target, return_tensors="pt")
        with torch.no_grad():  # the tag is given, not predicted, by catscale
            logits = model(**inputs).logits[0, 1:]
        labels = inputs["labels"][0, 1:]
        found.append(-logits.log_softmax(1).gather(1, labels[:, None]).mean())
    return torch.stack(found)


def losses(model: TranslationModel, batch: Batch) -> torch.Tensor:
    """NLL of each sentence, nats per token, by catscale."""
    return sentence_losses(model.double().eval(), batch).double() / (batch.labels != IGNORED).sum(1)


@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
def test_step_0_is_the_nllb_model_s(nllb: Path, direction: Direction) -> None:
    model, vocabulary = build(settings(nllb))
    tags = {"az": "azj_Latn", "de": "deu_Latn", "en": "eng_Latn"}
    expected = plain_losses(nllb, tags, direction)
    assert torch.allclose(losses(model, batch_of(vocabulary, direction)), expected, rtol=0, atol=OLD)


@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
def test_step_0_is_the_m2m100_model_s(m2m: Path, direction: Direction) -> None:
    model, vocabulary = build(settings(m2m))
    expected = plain_losses(m2m, {"az": "az", "de": "de", "en": "en"}, direction)
    assert torch.allclose(losses(model, batch_of(vocabulary, direction)), expected, rtol=0, atol=OLD)


@pytest.mark.parametrize("trim", [False, True], ids=["whole", "trimmed"])
def test_old_logits_stay_when_tags_characters_and_pieces_come(nllb: Path, trim: bool) -> None:
    """The NLL over the old ids is the same to rounding; new rows take their share of the sum, and of nothing else."""
    texts = {**TEXTS, "xx": ODD}
    plain, before = build(settings(nllb))
    model, after = build(settings(nllb, **NEW, trim=trim), texts)
    ids = unchecked(after).content["model"]["vocab"]
    kept = [(old, ids[token]) for token, old in unchecked(before).content["model"]["vocab"].items() if token in ids]
    old, new = (torch.tensor(side) for side in zip(*kept, strict=True))
    assert (after.size > before.size) is not trim
    for direction in DIRECTIONS:
        with torch.no_grad():
            one = plain.double().eval().predict(batch_of(before, direction)).logits[:, old]
            two = model.double().eval().predict(batch_of(after, direction)).logits[:, new]
        assert torch.allclose(one.log_softmax(1), two.log_softmax(1), rtol=0, atol=OLD)


def test_new_rows_start_as_their_origins_say(nllb: Path) -> None:
    model, vocabulary = build(settings(nllb, **NEW), {**TEXTS, "xx": ODD})
    ids, table = unchecked(vocabulary).content["model"]["vocab"], model.network.model.shared.weight
    old = load_file(nllb / "model.safetensors")["model.shared.weight"]
    assert torch.equal(table[:253], old)
    relative, tag = table[ids["rus_Cyrl"]], table[ids["xxx_Cyrl"]]
    assert 0 < (tag - relative).norm() < 0.1 * relative.norm()
    assert model.network.config.vocab_size == len(table) == vocabulary.size


@pytest.mark.parametrize("more", [{}, NEW, {**NEW, "trim": True}], ids=["as it is", "extended", "trimmed"])
def test_the_three_tables_stay_one(nllb: Path, more: dict[str, Any]) -> None:
    model, _ = build(settings(nllb, **more), {**TEXTS, "xx": ODD} if more else TEXTS)
    network = model.network
    one = network.model.shared.weight
    tables = (network.model.encoder.embed_tokens, network.model.decoder.embed_tokens, network.lm_head)
    assert all(table.weight is one for table in tables)
    assert len({table.weight.data_ptr() for table in tables}) == 1


def generate_best(
    model: Any, tokenizer: Any, source: str, tags: Sequence[str] = ("eng_Latn", "deu_Latn")
) -> list[list[int]]:
    tokenizer.src_lang = tags[0]
    found: torch.Tensor = model.generate(
        **tokenizer(source, return_tensors="pt"),
        forced_bos_token_id=tokenizer.convert_tokens_to_ids(tags[1]),
        num_beams=5, num_return_sequences=5, max_new_tokens=8, length_penalty=0.0, early_stopping=True,
    )  # fmt: skip
    return [[number for number in row if number != 1] for row in found.tolist()]


@pytest.mark.parametrize("more", [{}, NEW], ids=["as it is", "extended"])
def test_a_saved_folder_gives_the_same_5_best_everywhere(nllb: Path, tmp_path: Path, more: dict[str, Any]) -> None:
    import ctranslate2

    model, vocabulary = build(settings(nllb, **more), {**TEXTS, "xx": ODD} if more else TEXTS)
    saved = tmp_path / "best"
    saved.mkdir()
    model.save(saved)
    vocabulary.save(saved)
    tokenizer = AutoTokenizer.from_pretrained(saved, local_files_only=True)
    assert isinstance(tokenizer, NllbTokenizer)
    plain = AutoModelForSeq2SeqLM.from_pretrained(saved, local_files_only=True).eval()
    best = generate_best(plain, tokenizer, TEXTS["en"][0])
    assert best == generate_best(model.network.eval(), tokenizer, TEXTS["en"][0])
    if not more:
        base = AutoModelForSeq2SeqLM.from_pretrained(nllb).eval()
        assert best == generate_best(base, AutoTokenizer.from_pretrained(nllb), TEXTS["en"][0])
    convert_model(saved, tmp_path / "converted")
    translator = ctranslate2.Translator(str(tmp_path / "converted"))
    source = tokenizer.convert_ids_to_tokens(tokenizer(TEXTS["en"][0]).input_ids)
    found = translator.translate_batch(
        [source], target_prefix=[["deu_Latn"]], beam_size=5, num_hypotheses=5, length_penalty=0.0,
        max_decoding_length=8, return_end_token=True,
    )[0].hypotheses  # fmt: skip
    assert [tokenizer.convert_tokens_to_ids(tokens) for tokens in found] == [row[1:] for row in best]


def test_m2m100_gives_the_same_5_best_as_the_tokenizer_that_it_comes_with(m2m: Path, tmp_path: Path) -> None:
    import ctranslate2

    model, vocabulary = build(settings(m2m))
    model.save(tmp_path)
    vocabulary.save(tmp_path)
    base, own = AutoModelForSeq2SeqLM.from_pretrained(m2m).eval(), AutoTokenizer.from_pretrained(m2m)
    own.src_lang, source = "en", TEXTS["en"][0]
    expected = base.generate(
        **own(source, return_tensors="pt"), forced_bos_token_id=own.get_lang_id("de"),
        num_beams=5, num_return_sequences=5, max_new_tokens=8, length_penalty=0.0, early_stopping=True,
    )  # fmt: skip
    plain = AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    best = generate_best(plain, tokenizer, source, ("__en__", "__de__"))
    assert best == [[number for number in row if number != 1] for row in expected.tolist()]
    convert_model(tmp_path, tmp_path / "converted")
    found = ctranslate2.Translator(str(tmp_path / "converted")).translate_batch(
        [tokenizer.convert_ids_to_tokens(tokenizer(source).input_ids)], target_prefix=[["__de__"]], beam_size=5,
        num_hypotheses=5, length_penalty=0.0, max_decoding_length=8, return_end_token=True,
    )[0].hypotheses  # fmt: skip
    assert [tokenizer.convert_tokens_to_ids(tokens) for tokens in found] == [row[1:] for row in best]


def test_a_run_s_own_best_is_a_folder_too(tmp_path: Path) -> None:
    """The tags are `__en__`, the vocabulary a SentencePiece one, and step 0 the run's model."""
    from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary

    lines = [line for text in TEXTS.values() for line in text]
    own = train_vocabulary(SentencePieceSettings(size=100), lines, ["az", "de", "en"])
    sizes: dict[str, Any] = {"width": 16, "heads": 2, "feed_forward": 24, "encoder_layers": 1, "decoder_layers": 1}
    first = M2M100(preset="tiny", **sizes).build(own, DIRECTIONS, 1).eval()
    first.save(tmp_path)
    own.save(tmp_path)
    model, vocabulary = build(settings(tmp_path))
    assert vocabulary.size == own.size
    assert dict(vocabulary.tags) == dict(own.tags)
    assert vocabulary.encode(lines) == own.encode(lines)
    for direction in DIRECTIONS:
        one, two = (sentence_losses(m, batch_of(v, direction)) for m, v in ((first, own), (model.eval(), vocabulary)))
        assert torch.equal(one, two)


def split_in_two(folder: Path) -> None:
    """Put the tensors into two files and an index, as large models have them."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    parts = {SHARDS[0]: names[: len(names) // 2], SHARDS[1]: names[len(names) // 2 :]}
    for file, members in parts.items():
        save_file({name: tensors[name] for name in members}, folder / file)
    weight_map = {name: file for file, members in parts.items() for name in members}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def state_of(model: TranslationModel) -> dict[str, torch.Tensor]:
    return model.state_dict()


def test_several_files_are_one_model(nllb: Path, folder: Path) -> None:
    split_in_two(folder)
    one, two = (state_of(build(settings(place))[0]) for place in (nllb, folder))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_is_read_as_float32(folder: Path, kind: torch.dtype) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file({name: tensor.to(kind) for name, tensor in tensors.items()}, folder / "model.safetensors")
    found = build(settings(folder))[0].network.model.shared.weight
    assert found.dtype == torch.float32
    assert torch.equal(found, tensors["model.shared.weight"].to(kind).float())


def test_layers_are_never_dropped_and_dropouts_are_the_folder_s_or_ours(nllb: Path) -> None:
    config = build(settings(nllb))[0].network.config
    assert (config.dropout, config.attention_dropout, config.encoder_layerdrop) == (0.1, 0.1, 0.0)
    model = build(settings(nllb, dropout=0.0, attention_dropout=0.3, activation_dropout=0.2))[0]
    config = model.network.config
    assert (config.dropout, config.attention_dropout, config.activation_dropout) == (0.0, 0.3, 0.2)
    assert model.network.model.encoder.layers[0].self_attn.dropout == 0.3
    assert model.training


def test_counts_are_those_of_the_model(nllb: Path) -> None:
    made = settings(nllb)
    model, vocabulary = build(made)
    assert made.count_parameters(vocabulary.size, ()) == sum(p.numel() for p in model.parameters())
    assert made.describe_base() is not None
    made.check()
    assert made.with_absolute_path().pretrained == nllb


def test_another_vocabulary_is_refused(nllb: Path, m2m: Path) -> None:
    other = vocabulary_of(settings(m2m))
    with pytest.raises(
        ConfigError, match=r"has 253 embeddings and the vocabulary 349; build the vocabulary from the same"
    ):
        settings(nllb).build(other, DIRECTIONS, 1)


def test_a_folder_that_lacks_a_tensor_is_refused(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.encoder.layers.0.fc1.bias"]
    save_file(tensors, folder / "model.safetensors")
    message = r"is not the model .*: 1 missing \(model\.encoder\.layers\.0\.fc1\.bias\); download or copy it again"
    with pytest.raises(CheckpointError, match=message):
        build(settings(folder))
    with pytest.raises(CheckpointError, match=message):
        settings(folder).check()


@pytest.mark.parametrize("left", [0, 100, -1])
@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_a_file_that_was_cut_is_told_before_any_data_are_read(folder: Path, several: bool, left: int) -> None:
    if several:
        split_in_two(folder)
    path = folder / (SHARDS[1] if several else "model.safetensors")
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(CheckpointError, match=rf"{path.name} cannot be read \(.*\); download or copy it again"):
        settings(folder).check()


def test_a_file_that_an_index_names_and_is_missing_is_told_before_any_data_are_read(folder: Path) -> None:
    split_in_two(folder)
    (folder / SHARDS[0]).unlink()
    with pytest.raises(CheckpointError, match=rf"{SHARDS[0]} cannot be read \(No such file.*; download or copy it"):
        settings(folder).check()


def test_settings_that_leave_nothing_to_train_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"nothing is left to train where embeddings, encoder, decoder are frozen"):
        settings(Path("x"), freeze=["decoder", "embeddings", "encoder"])
    with pytest.raises(ConfigError, match=r"freeze.*input should be 'embeddings', 'encoder'"):
        settings(Path("x"), freeze=["table"])


@pytest.mark.parametrize("key", ["preset", "width", "heads", "max_positions", "layer_norm_parameters"])
def test_sizes_beside_a_folder_are_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"{key}: unknown key; the (sizes are those of|pre-trained model has layer)"):
        settings(Path("x"), **{key: 3})
