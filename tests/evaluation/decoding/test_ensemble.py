"""Ensembles against a slow transcription in float64."""

import random

import pytest
import torch
from transformers import M2M100ForConditionalGeneration

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.contract import Wanted
from catscale.evaluation.decoding.loading import load_decoder, load_ensemble
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.evaluation.toy import save, small_model, train

EN_FR = Direction("en", "fr")
WORDS = list("abcdefghijklmnopqrst")
LIMIT = 10


@pytest.fixture(scope="module")
def words():
    lines = [" ".join(random.Random(i).sample(WORDS, 8)) for i in range(200)]
    return train_vocabulary(SentencePieceSettings(size=44), lines, ["en", "fr"])


@pytest.fixture(scope="module")
def folders(words, tmp_path_factory):
    """Models that have begun to copy and disagree, one of fewer positions."""
    rng, made = random.Random(1), []
    lines = words.encode([" ".join(rng.choices(WORDS, k=rng.randint(1, 6))) for _ in range(500)])
    for seed, positions in ((3, 64), (4, 64), (5, 40)):
        model = small_model(words, seed=seed, positions=positions).train()
        train(model, [(line, line) for line in lines], (words.tag("en"), words.tag("fr")), steps=60)
        made.append(save(model.eval(), words, tmp_path_factory.mktemp("member")))
    return made


def sources(words):
    rng = random.Random(2)
    return words.encode([" ".join(rng.choices(WORDS, k=rng.randint(1, 9))) for _ in range(12)])


def next_log_probabilities(models, source, prefix):
    """(V,) the mean of the models' log-probabilities after a prefix, normalised; no end right after the tag."""
    each = []
    for model in models:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([prefix])).logits[0, -1]
        each.append(logits.log_softmax(-1))
    mean = torch.stack(each).mean(0)
    if len(prefix) == 2:
        mean[2] = -torch.inf
    return mean.log_softmax(-1)


def test_greedy_search_and_its_log_probability_are_those_of_the_mean(words, folders):
    settings = EvaluationConfig(beam=1, max_length=LIMIT)
    decoder = load_ensemble(folders, words, settings)
    found = decoder.search(sources(words), EN_FR, Wanted(scores=True))
    models = [M2M100ForConditionalGeneration.from_pretrained(folder).double().eval() for folder in folders]
    assert {hypothesis.finished for (hypothesis,) in found} == {True, False}
    for source, (hypothesis,) in zip(sources(words), found, strict=True):
        whole, prefix, total = [words.tag("en"), *source, 2], [2, words.tag("fr")], 0.0
        while prefix[-1] != 2 and len(prefix) < 2 + len(hypothesis.ids) + hypothesis.finished:
            step = next_log_probabilities(models, whole, prefix)
            prefix.append(int(step.argmax()))
            total += step.max().item()
        assert [*hypothesis.ids, *([2] if hypothesis.finished else [])] == prefix[2:]
        assert hypothesis.log_probability == pytest.approx(total, abs=1e-4)


def test_log_probabilities_of_the_beam_are_those_of_the_mean(words, folders):
    decoder = load_ensemble(folders, words, EvaluationConfig(beam=4, max_length=LIMIT))
    found = decoder.search(sources(words)[:4], EN_FR, Wanted(3, scores=True))
    models = [M2M100ForConditionalGeneration.from_pretrained(folder).double().eval() for folder in folders]
    for source, hypotheses in zip(sources(words)[:4], found, strict=True):
        whole = [words.tag("en"), *source, 2]
        for hypothesis in hypotheses:
            prefix, total = [2, words.tag("fr")], 0.0
            for token in [*hypothesis.ids, *([2] if hypothesis.finished else [])]:
                total += next_log_probabilities(models, whole, prefix)[token].item()
                prefix.append(token)
            assert hypothesis.log_probability == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("beam", [1, 4])
def test_a_model_with_itself_translates_as_it_does_alone(words, folders, beam):
    settings = EvaluationConfig(beam=beam, max_length=LIMIT, backend="huggingface")
    alone = [load_decoder(folder, words, settings).translate(sources(words), EN_FR) for folder in folders]
    assert load_ensemble([folders[0]] * 3, words, settings).translate(sources(words), EN_FR) == alone[0]
    together = load_ensemble(folders, words, settings)
    assert together.translate(sources(words), EN_FR) not in alone
    assert together.backend.positions == 40


@pytest.mark.parametrize("settings", [{"backend": "ctranslate2"}, {"precision": "int8"}])
def test_ctranslate2_has_no_ensembles(words, folders, settings):
    with pytest.raises(ConfigError, match="an ensemble decodes with the backend huggingface without integers, found"):
        load_ensemble(folders, words, EvaluationConfig(**settings))
