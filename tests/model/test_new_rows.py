"""The tables of embeddings of an extended or trimmed model, and what it still says of old text."""

import pytest
import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration

from catscale.errors import CheckpointError
from catscale.model.new_rows import BIAS, NOISE, TABLES, extend_state, make_rows
from catscale.vocabulary.extension import RowOrigins, extend, tokenizer_of, trim
from tests.vocabulary.extension.base import NEW, OLD, make_content

BASE = make_content()
SIZE = 93
EXTENSION = extend(BASE, tags={"__az__": "__de__"}, characters="vbkşəüqxı", pieces=30, lines=NEW)


def make_model(size: int) -> M2M100ForConditionalGeneration:
    sides = {"layers": 2, "attention_heads": 2, "ffn_dim": 32, "layerdrop": 0.0}
    shape = {f"{side}_{what}": value for side in ("encoder", "decoder") for what, value in sides.items()}
    config = M2M100Config(vocab_size=size, d_model=16, init_std=0.3, max_position_embeddings=64, **shape)
    return M2M100ForConditionalGeneration(config).eval()


@pytest.fixture(scope="module")
def base():
    torch.manual_seed(0)
    return make_model(SIZE + 2)  # as NLLB has, two rows that stand for nothing


def changed(base, rows):
    model = make_model(len(rows.bases))
    model.load_state_dict(extend_state(base.state_dict(), rows, seed=1))
    return model


def logits_of(model, content):
    """The logits of each position of German translations of English lines."""
    tokenizer, ids = tokenizer_of(content), {one["content"]: one["id"] for one in content["added_tokens"]}
    found = []
    for source, target in zip(OLD["en"][:20], OLD["de"][:20], strict=True):
        cut = [tokenizer.encode(line, add_special_tokens=False).ids for line in (source, target)]
        inputs, outputs = torch.tensor([[ids["__en__"], *cut[0], 2]]), torch.tensor([[2, ids["__de__"], *cut[1]]])
        with torch.no_grad():
            found.append((model(input_ids=inputs, decoder_input_ids=outputs).logits[0], [*outputs[0, 1:].tolist(), 2]))
    return found


def nll(pairs, old=None):
    return torch.stack([logits[:, :old].log_softmax(1)[range(len(ids)), ids].mean() for logits, ids in pairs])


def test_old_directions_are_predicted_as_before(base):
    before = logits_of(base, BASE)
    after = logits_of(changed(base, EXTENSION.rows), EXTENSION.content)
    assert (nll(before, SIZE) - nll(after, SIZE)).abs().max() < 1e-6
    for (one, ids), (two, same) in zip(before, after, strict=True):
        assert ids == same
        assert (one[:, :SIZE] - two[:, :SIZE]).abs().max() < 1e-5
        # what the new rows add to the softmax's sum is all that the NLL over all ids differs by
        mass = two.softmax(1)[:, SIZE:].sum(1)
        own = two.log_softmax(1)[:, :SIZE] - one[:, :SIZE].log_softmax(1)
        assert torch.allclose(own, (-mass).log1p()[:, None].expand_as(own), atol=1e-5)


def test_a_mean_takes_no_more_than_its_bases_do(base):
    rows = RowOrigins(EXTENSION.rows.bases)  # without noise
    for logits, _ in logits_of(changed(base, rows), EXTENSION.content):
        for new in range(SIZE, len(rows.bases)):
            bases = rows.bases[new] or range(SIZE)
            if rows.bases[new]:
                assert (logits[:, new] <= logits[:, list(bases)].exp().mean(1).log() + 1e-5).all()


def test_the_tables_are_one(base):
    state = extend_state(base.state_dict(), EXTENSION.rows, seed=1)
    assert len({id(state[name]) for name in TABLES}) == 1
    model = changed(base, EXTENSION.rows)
    tables = [model.model.shared, model.model.encoder.embed_tokens, model.model.decoder.embed_tokens, model.lm_head]
    assert len({table.weight.data_ptr() for table in tables}) == 1
    assert model.config.vocab_size == len(EXTENSION.rows.bases) == len(state[TABLES[0]])


def test_nothing_else_moves(base):
    before = base.state_dict()
    state = extend_state(before, EXTENSION.rows, seed=1)
    assert [*state] == [*before]
    assert all(state[name] is before[name] for name in state if name not in TABLES)
    assert all(len(before[name]) == SIZE + 2 for name in TABLES)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_rows_are_copies_and_means(dtype):
    table, tolerance = torch.randn(5, 8).to(dtype), 1e-6 if dtype == torch.float32 else 1e-2
    rows = make_rows(table, RowOrigins(((0,), (3,), (1, 2, 2), ()), frozenset()), seed=0)
    assert rows.dtype == dtype
    assert torch.equal(rows[:2], table[[0, 3]])
    assert torch.allclose(rows[2].double(), (table[1].double() + 2 * table[2].double()) / 3, atol=tolerance)
    assert torch.allclose(rows[3].double(), table.double().mean(0), atol=tolerance)


def test_noise_is_small_and_of_the_seed():
    torch.manual_seed(0)
    table = 3 * torch.randn(50, 400)
    rows = RowOrigins(tuple((0,) for _ in range(50)), frozenset(range(1, 50)))
    made = [make_rows(table, rows, seed) for seed in (1, 1, 2)]
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])
    assert torch.equal(made[0][0], table[0])
    noise = made[0][1:] - table[0]
    assert noise.std() == pytest.approx(NOISE * 3, rel=0.05)
    assert len({tuple(row.tolist()) for row in noise}) == 49


def test_a_bias_follows():
    state = {TABLES[0]: torch.randn(4, 3), BIAS: torch.tensor([[0.0, 1.0, 2.0, 3.0]])}
    found = extend_state(state, RowOrigins(((2,), (0, 3)), frozenset({1})), seed=0)
    assert found[BIAS].tolist() == [[2.0, 1.5]]
    assert list(found) == [TABLES[0], BIAS]


def test_a_trimmed_model_says_the_same_of_what_is_left(base):
    trimmed = trim(EXTENSION.content, [*OLD["en"], *OLD["de"]], ["__az__"])
    after = logits_of(changed(base, EXTENSION.rows.select(trimmed.kept)), trimmed.content)
    for (one, _), (two, _) in zip(logits_of(base, BASE), after, strict=True):
        assert (one[:, list(trimmed.kept)] - two).abs().max() < 1e-5


def test_a_table_without_the_rows_is_refused():
    with pytest.raises(CheckpointError, match="a row for each id of its tokenizer, found 4 rows and the id 4; give"):
        make_rows(torch.zeros(4, 2), RowOrigins(((0,), (4,))), seed=0)


def test_a_model_without_table_is_refused():
    with pytest.raises(CheckpointError, match=r"must have the table model\.shared\.weight, found none"):
        extend_state({"weight": torch.zeros(4, 2)}, RowOrigins.unchanged(4), seed=0)
