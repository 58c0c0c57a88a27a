"""Nothing outside of `catscale.model` knows a model's class, its module or the names of its parts."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import catscale

ROOT = Path(catscale.__file__).parent
INSIDE = ("model", "integrations")  # these are for other people's models, of whatever class
PARTS = {
    "lm_head", "embed_positions", "embed_tokens", "get_encoder", "get_decoder", "encoder_attn", "self_attn", "fc1",
    "fc2", "d_model", "final_layer_norm", "generation_config", "max_position_embeddings",
}  # fmt: skip
ALLOWED = {
    ("evaluation/decoding/huggingface.py", "generation_config"): "`generate` of transformers reads it from the network",
    ("evaluation/decoding/ensemble.py", "get_encoder"): "each source is encoded once, which `generate` does not do",
    **{
        ("vocabulary/pretrained/sentencepiece_files.py", name): "the tags of its tokenizer, which no file has"
        for name in ("m2m_100", "tokenization_m2m_100", "m2m100")
    },
    ("vocabulary/pretrained/folder.py", "M2M100Tokenizer"): "what is read of its folder is compared with it",
    ("evaluation/decoding/ctranslate2.py", "max_position_embeddings"): "read from a plain folder, without torch",
}


def names(tree: ast.AST) -> Iterator[str]:
    """Every name that says which model it is, or reaches for a part of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (found for found in (node.module or "").split(".") if _is_class(found))
            yield from (alias.name for alias in node.names if _is_class(alias.name))
        elif isinstance(node, ast.Attribute):
            if node.attr in PARTS or _is_class(node.attr):
                yield node.attr
            if node.attr in ("encoder", "decoder", "shared", "model") and _ends_in_model(node.value):
                yield f"model.{node.attr}"
        elif isinstance(node, ast.Name) and _is_class(node.id):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value.split()) == 1:
            yield from filter(_is_class, [node.value])  # what has several words is prose


def _is_class(name: str) -> bool:
    return "m2m100" in name.lower() or "m2m_100" in name.lower()


def _ends_in_model(node: ast.expr) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "model") or (
        isinstance(node, ast.Name) and node.id == "model"
    )


def found_in(path: Path) -> set[tuple[str, str]]:
    inside = str(path.relative_to(ROOT))
    return {(inside, name) for name in names(ast.parse(path.read_text(encoding="utf-8")))}


def test_no_other_wing_names_a_model_or_reaches_into_one() -> None:
    paths = [path for path in sorted(ROOT.rglob("*.py")) if path.relative_to(ROOT).parts[0] not in INSIDE]
    found = set().union(*map(found_in, paths))
    assert found - ALLOWED.keys() == set()
    assert ALLOWED.keys() - found == set(), "an entry that nothing needs"


@pytest.mark.parametrize(
    "code",
    [
        "model.model.encoder.layers", "self._model.lm_head(x)", "from catscale.model.m2m100 import Settings",
        "from x import M2M100Model", "architecture == 'm2m100'", "layer.self_attn", "M2M100()", "model.decoder",
    ],
)  # fmt: skip
def test_what_reaches_into_a_model_is_found(code: str) -> None:
    assert list(names(ast.parse(code)))


def test_what_the_contract_gives_is_not() -> None:
    code = "model.predict(batch); model.layers(); config.model.build(v, d, 1); 'as M2M100 has it'"
    assert not list(names(ast.parse(code)))
