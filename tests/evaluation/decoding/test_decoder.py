"""Both backends on three small models: random, trained to copy, and trained on real sentences."""

import importlib.util
import random
from importlib.util import find_spec

import pytest
import torch
from transformers import M2M100ForConditionalGeneration

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding import choice
from catscale.evaluation.decoding.choice import choose_backend
from catscale.evaluation.decoding.contract import Wanted
from catscale.evaluation.decoding.decoder import warn_of_unknown
from catscale.evaluation.decoding.huggingface import saved_search, search_settings
from catscale.evaluation.decoding.loading import load_decoder
from catscale.evaluation.translate import translate_lines
from catscale.vocabulary.table import load_vocabulary
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.evaluation.toy import save, small_model, train
from tests.unchecked import unchecked

EN_FR = Direction("en", "fr")
WORDS = list("abcdefghijklmnopqrst")
needs_ctranslate2 = pytest.mark.skipif(
    importlib.util.find_spec("ctranslate2") is None, reason="CTranslate2 is not installed"
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def words():
    """A vocabulary of 20 words, each a piece of its own."""
    lines = [" ".join(random.Random(i).sample(WORDS, 8)) for i in range(200)]
    return train_vocabulary(SentencePieceSettings(size=44), lines, ["en", "fr"])


def some_sources(vocabulary, count=60, longest=20, seed=1):
    generator = random.Random(seed)
    lines = [" ".join(generator.choices(WORDS, k=generator.randint(0, longest))) for _ in range(count)]
    return vocabulary.encode(lines)


@pytest.fixture(scope="module")
def copier(words, tmp_path_factory):
    """A model trained to copy up to 6 words: right on short sources, unsure on longer ones."""
    model = small_model(words).train()
    sources = [source for source in some_sources(words, 2000, longest=6) if source]
    train(model, [(source, source) for source in sources], (words.tag("en"), words.tag("fr")), steps=600)
    return save(model.eval(), words, tmp_path_factory.mktemp("copier"))


@pytest.fixture(scope="module")
def untrained(words, tmp_path_factory):
    return save(small_model(words, seed=3, init_std=0.3), words, tmp_path_factory.mktemp("untrained"))


@pytest.fixture(scope="module")
def hasty(words, tmp_path_factory):
    """A model that would like to end early, even before the first piece."""
    model = small_model(words, seed=5, init_std=0.2)
    with torch.no_grad():
        model.model.decoder.layer_norm.bias.fill_(0.3)
        model.model.shared.weight[words.eos_id] = 0.2
    return save(model, words, tmp_path_factory.mktemp("hasty"))


def both(folder, vocabulary, sources, **settings):
    decoders = [
        load_decoder(folder, vocabulary, EvaluationConfig(backend=name, **settings), threads=2, say=lambda line: None)
        for name in ("huggingface", "ctranslate2")
    ]
    return [decoder.translate(sources, EN_FR) for decoder in decoders]


@needs_ctranslate2
@pytest.mark.parametrize(("beam", "length_penalty"), [(1, 1.0), (2, 0.0), (5, 0.0), (5, 1.0), (5, 2.0)])
@pytest.mark.parametrize("model", ["copier", "untrained", "hasty"])
def test_both_backends_give_the_same_translations(model, beam, length_penalty, words, request):
    folder, sources = request.getfixturevalue(model), some_sources(words, 24)
    settings = {"beam": beam, "length_penalty": length_penalty, "max_length": 16}
    generate, fast = both(folder, words, sources, **settings)
    assert fast == generate
    assert len({tuple(ids) for ids in generate}) > 3  # not one answer to everything


def truth(folder, vocabulary, source, hypothesis):
    """Σ ln p of a hypothesis, by one pass over all its tokens in float64; the end is forbidden right after the tag."""
    model = M2M100ForConditionalGeneration.from_pretrained(folder).double().eval()
    ids = [2, vocabulary.tag("fr"), *hypothesis.ids, *([2] if hypothesis.finished else [])]
    given = torch.tensor([[vocabulary.tag("en"), *source, 2]])
    with torch.no_grad():
        logits = model(input_ids=given, decoder_input_ids=torch.tensor([ids[:-1]])).logits[0]
    logits[1, 2] = -torch.inf
    chosen = logits.log_softmax(-1)[torch.arange(1, len(ids) - 1), torch.tensor(ids[2:])]
    return chosen.sum().item()


@needs_ctranslate2
@pytest.mark.parametrize(("beam", "n_best", "length_penalty"), [(1, 1, 1.0), (4, 4, 0.0), (5, 2, 0.0), (5, 3, 1.5)])
@pytest.mark.parametrize("model", ["copier", "untrained"])
def test_both_backends_give_the_same_hypotheses_and_log_probabilities(
    model, beam, n_best, length_penalty, words, request
):
    folder = request.getfixturevalue(model)
    sources = [source for source in some_sources(words, 14) if source]
    settings = {"beam": beam, "length_penalty": length_penalty, "max_length": 6}
    found = [
        load_decoder(folder, words, EvaluationConfig(backend=name, **settings)).search(
            sources, EN_FR, Wanted(n_best, scores=True)
        )
        for name in ("huggingface", "ctranslate2")
    ]
    for one, other in zip(*found, strict=True):
        assert len(one) == n_best
        assert [(h.ids, h.finished) for h in one] == [(h.ids, h.finished) for h in other]
        for mine, theirs in zip(one, other, strict=True):
            assert mine.log_probability == pytest.approx(theirs.log_probability, abs=1e-4)
    for source, hypotheses in list(zip(sources, found[1], strict=True))[:3]:
        for hypothesis in hypotheses:
            assert hypothesis.log_probability == pytest.approx(truth(folder, words, source, hypothesis), abs=1e-4)
    every = [hypothesis for hypotheses in found[0] for hypothesis in hypotheses]
    assert {hypothesis.finished for hypothesis in every} == ({True, False} if model == "copier" else {False})


@pytest.mark.parametrize("n_best", [0, 6])
def test_more_hypotheses_than_the_beam_are_refused(n_best):
    with pytest.raises(ConfigError, match=f"--n-best must be from 1 to the beam, which is 5, found {n_best}"):
        Wanted(n_best).check(EvaluationConfig())
    assert Wanted(5).check(EvaluationConfig()) == Wanted(5)


def test_a_beam_wider_than_the_vocabulary_allows_is_refused(copier, words):
    decoder = load_decoder(copier, words, EvaluationConfig(beam=40))
    with pytest.raises(ConfigError, match=r"evaluation\.beam must be at most 23, half .*, found 40"):
        decoder.search([[5]], EN_FR)


def test_progress_counts_the_sources_that_are_done(copier, words):
    told: list[int] = []
    decoder = load_decoder(copier, words, EvaluationConfig(batch_sentences=2))
    decoder.search([[5], [], [6, 7], [8]], EN_FR, progress=told.append)
    assert told == [2, 3]


@needs_ctranslate2
def test_both_backends_agree_on_real_sentences(tatoeba, tmp_path):
    def read(split, language):
        path = tatoeba / "en-fr" / f"opus.en-fr-{split}.{language}"
        return path.read_text().split("\n")[:3000]

    english, french = read("train", "en"), read("train", "fr")
    vocabulary = train_vocabulary(SentencePieceSettings(size=1500), english + french, ["en", "fr"])
    model = small_model(vocabulary, positions=128).train()
    pairs = zip(vocabulary.encode(english), vocabulary.encode(french), strict=True)
    kept = [(source, target) for source, target in pairs if max(len(source), len(target)) < 25]
    train(model, kept, (vocabulary.tag("en"), vocabulary.tag("fr")), steps=80)
    save(model.eval(), vocabulary, tmp_path / "model")
    generate, fast = both(tmp_path / "model", vocabulary, vocabulary.encode(read("test", "en")[:60]), max_length=32)
    assert fast == generate


@needs_ctranslate2
def test_int8_runs_and_mostly_agrees(copier, words):
    sources = [source for source in some_sources(words, longest=6) if source]
    exact = load_decoder(copier, words, EvaluationConfig()).translate(sources, EN_FR)
    rounded = load_decoder(copier, words, EvaluationConfig(precision="int8")).translate(sources, EN_FR)
    assert sum(a == b for a, b in zip(exact, rounded, strict=True)) > 0.7 * len(sources)


BACKENDS = ["huggingface", pytest.param("ctranslate2", marks=needs_ctranslate2)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_trained_model_copies_and_keeps_the_order(backend, copier, words):
    sources = [source for source in some_sources(words, longest=6, seed=5) if source]
    settings = EvaluationConfig(backend=backend, batch_tokens=40)
    translations = load_decoder(copier, words, settings).translate(sources, EN_FR)
    right = sum(ids == source for source, ids in zip(sources, translations, strict=True))
    assert right > 0.8 * len(sources)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sentence_is_translated_alone_as_among_others(backend, copier, words):
    sources = some_sources(words, 12)
    decoder = load_decoder(copier, words, EvaluationConfig(backend=backend))
    assert [decoder.translate([source], EN_FR)[0] for source in sources] == decoder.translate(sources, EN_FR)


@pytest.mark.parametrize("backend", BACKENDS)
def test_empty_sources_are_not_decoded(backend, copier, words, monkeypatch):
    decoder = load_decoder(copier, words, EvaluationConfig(backend=backend))
    first, _, last = decoder.translate([[5, 6], [], [7]], EN_FR)
    assert first
    assert last
    assert decoder.translate([], EN_FR) == []
    monkeypatch.setattr(
        decoder.backend, "run", lambda batches, direction, tag, wanted: iter([]) if not batches else 1 / 0
    )
    assert decoder.translate([[], []], EN_FR) == [[], []]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_longest_source_is_cut_and_counted(backend, copier, words):
    said: list[str] = []
    decoder = load_decoder(copier, words, EvaluationConfig(backend=backend), say=said.append)
    long = words.encode([" ".join(WORDS * 4)])[0]
    (cut,) = decoder.translate([long], EN_FR)
    (whole,) = decoder.translate([long[:62]], EN_FR)
    assert cut == whole
    assert decoder.truncated == 1
    assert said == ["warning: 1 source sentences have more than 62 pieces and are cut there"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_sentence_is_never_translated_to_nothing(backend, words, tmp_path):
    model = small_model(words)
    with torch.no_grad():  # the last layer norm gives ones, and the end's embedding is all ones
        model.model.decoder.layer_norm.weight.zero_()
        model.model.decoder.layer_norm.bias.fill_(1.0)
        model.model.shared.weight[words.eos_id] = 1.0
    decoder = load_decoder(save(model, words, tmp_path), words, EvaluationConfig(backend=backend))
    (ids,) = decoder.translate([[5, 6, 7]], EN_FR)
    assert len(ids) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_special_tokens_do_not_reach_the_text(backend, words, tmp_path):
    model = small_model(words)
    with torch.no_grad():  # the favourite token is another language's tag, then padding
        model.model.decoder.layer_norm.weight.zero_()
        model.model.decoder.layer_norm.bias.fill_(1.0)
        model.model.shared.weight[words.tag("en")] = 1.0
        model.model.shared.weight[words.pad_id] = 0.9
    settings = EvaluationConfig(backend=backend, max_length=8)
    decoder = load_decoder(save(model, words, tmp_path), words, settings)
    (ids,) = decoder.translate([[5, 6, 7]], EN_FR)
    assert words.tag("en") in ids
    assert "_" not in words.decode([ids])[0]


def test_an_unknown_language_is_refused(copier, words):
    decoder = load_decoder(copier, words, EvaluationConfig(backend="huggingface"))
    with pytest.raises(ConfigError, match="does not know the language 'de' of en-de; it has en, fr"):
        decoder.translate([[5]], Direction("en", "de"))


def test_without_ctranslate2_generate_is_used(monkeypatch):
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    assert choose_backend(EvaluationConfig()) == "huggingface"


@pytest.mark.parametrize("settings", [{"backend": "ctranslate2"}, {"precision": "int8"}])
def test_asking_for_an_absent_ctranslate2_is_an_error(settings, monkeypatch):
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"needs CTranslate2, which is not installed .* install catscale\[fast\]"):
        choose_backend(EvaluationConfig(**settings))


@needs_ctranslate2
def test_the_device_decides_where_the_settings_do_not():
    assert choose_backend(EvaluationConfig(), "cpu") == "ctranslate2"
    assert choose_backend(EvaluationConfig(), "mps") == "huggingface"
    assert choose_backend(EvaluationConfig(backend="huggingface"), "cpu") == "huggingface"


def test_a_model_that_transformers_saved_again_translates_alike(copier, words, tmp_path):
    """Fine-tuning by transformers and `save_pretrained` leave the SentencePiece model out."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    AutoModelForSeq2SeqLM.from_pretrained(copier).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(copier, src_lang="__en__").save_pretrained(tmp_path)
    assert not (tmp_path / "sentencepiece.bpe.model").exists()
    again, sources, results = load_vocabulary(tmp_path), ["a b c", "t s", "b b a"], []
    for folder, vocabulary in ((copier, words), (tmp_path, again)):
        for backend in ("huggingface", "ctranslate2") if find_spec("ctranslate2") else ("huggingface",):
            decoder = load_decoder(folder, vocabulary, EvaluationConfig(backend=backend, beam=2))
            results.append(list(translate_lines(sources, decoder, vocabulary, EN_FR)))
    assert all(result == sources for result in results)


@needs_ctranslate2
def test_both_backends_write_any_piece(tmp_path):
    """Tabs, controls, joiners and separators are pieces of a vocabulary that changes nothing."""
    odd = [f"a{chr(code)}b {chr(code)}" for code in (*range(1, 256), *range(0x2000, 0x2070), 0x2581, 0x2585, 0xFEFF)]
    odd = [line for line in odd if "\n" not in line]
    vocabulary = train_vocabulary(SentencePieceSettings(size=420), odd, ["en", "fr"])
    folder, found = save(small_model(vocabulary, seed=5, init_std=0.3), vocabulary, tmp_path / "m"), []
    for backend in ("huggingface", "ctranslate2"):
        decoder = load_decoder(folder, vocabulary, EvaluationConfig(backend=backend, beam=1, max_length=12))
        found.append(vocabulary.decode(decoder.translate(vocabulary.encode(odd), EN_FR)))
    assert found[0] == found[1]
    assert unchecked(decoder.backend)._tokens == [*vocabulary.about.pieces, "<mask>", "__en__", "__fr__"]
    assert len(set(unchecked(decoder.backend)._tokens)) == vocabulary.size


def test_sources_of_unknown_characters_are_warned_of(words):
    said: list[str] = []
    sources = words.encode(["a b c d", "日本 語", "a 日 b c d e", "", "日"])
    warn_of_unknown(sources, words.unk_id, said.append)
    assert [line.partition(",")[0] for line in said] == [
        "warning: 2 of 5 source sentences are mostly characters that the model's vocabulary lacks"
    ]
    warn_of_unknown(words.encode(["a b", ""]), words.unk_id, said.append)
    assert len(said) == 1


def test_a_decoder_warns_of_unknown_sources(copier, words):
    said: list[str] = []
    settings = EvaluationConfig(backend="huggingface", beam=1)
    decoder = load_decoder(copier, words, settings, say=said.append)
    decoder.translate(words.encode(["日本", "a"]), EN_FR)
    assert "1 of 2 source sentences are mostly characters" in said[0]


@pytest.mark.parametrize("backend", ["huggingface", pytest.param("ctranslate2", marks=needs_ctranslate2)])
def test_translations_are_drawn(untrained, words, backend):
    sources = [source for source in some_sources(words, 4, longest=5) if source]

    def translate(**settings):
        config = EvaluationConfig(backend=backend, max_length=12, **settings)
        decoder = load_decoder(untrained, words, config, threads=1, say=lambda line: None)
        return decoder.translate(sources * 10, EN_FR)

    assert translate(draw_temperature=1e-4) == translate(beam=1)  # nearly the likeliest token alone
    drawn = translate(draw_temperature=1.0, beam=3)
    assert len({tuple(ids) for ids in drawn[:: len(sources)]}) > 3  # of one source
    assert translate(draw_temperature=1.0, beam=3) == drawn


def test_draws_have_no_lists_and_leave_the_training_s_random_numbers_alone(untrained, words):
    config = EvaluationConfig(backend="huggingface", draw_temperature=1.0)
    for wanted in (Wanted(2), Wanted(1, True)):
        with pytest.raises(ConfigError, match=r"are those of a search, and evaluation\.draw_temperature is 1; leave"):
            wanted.check(config)
    state = torch.random.get_rng_state()
    load_decoder(untrained, words, config, threads=1, say=lambda line: None).translate([[10, 11]], EN_FR)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert "do_sample" in search_settings(config)
    assert saved_search(config, words) == saved_search(EvaluationConfig(), words)
