"""Which module imports which, and the rule about it.

The wings of the package (its folders, and the modules beside them) stand in levels: a wing imports only from levels
below its own, and wings of one level never import each other.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "catscale"
ARROW = """
errors ← settings ← system ← balancing · sampling · landscape · optimisation · vocabulary · distributed
       ← data ← model · corpus_statistics · recipes ← evaluation · analysis ← training ← comparison ← report ← run ← cli
"""
LEVELS = [level.split(" · ") for level in " ".join(ARROW.split()).split(" ← ")]
ASIDE = {
    "integrations": {"balancing", "sampling", "training"},
    "__init__": {"balancing", "sampling"},
    "__main__": {"cli"},
}
"""Wings that nothing imports, and the highest that they stand on."""
LATE = {
    "model.m2m100 → catscale": "transformers is slow, and settings are read without it",
    "model.latent_depth → catscale": "transformers is slow, and settings are read without it",
    "model.subnetworks → catscale": "transformers is slow, and settings are read without it",
    "model.language_adapters → catscale": "transformers is slow, and settings are read without it",
    "model.routed → catscale": "transformers is slow, and settings are read without it",
    "model.pretrained → catscale": "transformers is slow, and settings are read without it",
    "model.adapted_model → peft": "optional, and slow",
    "model.decoders → catscale": "architectures load torch, which decoding does without",
    "evaluation.decoding.choice → catscale": "it loads torch, which decoding on a processor does without",
    "evaluation.decoding.choice → ctranslate2": "optional",
    "evaluation.decoding.choice → torch": "decoding by CTranslate2 does without it",
    "evaluation.decoding.loading → catscale": "a backend's library is optional or slow",
    "evaluation.decoding.loading → torch": "decoding by CTranslate2 does without it",
    "evaluation.decoding.ctranslate2 → ctranslate2": "its converter loads torch, which decoding does without",
    "evaluation.decoding.ctranslate2 → catscale": "converting a model loads torch, which decoding does without",
    "evaluation.metrics.comet_script → comet": "it runs in an interpreter of its own",
    "evaluation.metrics.comet_script → torch": "it runs in an interpreter of its own",
    "run.decoding → ctranslate2": "optional",
    "run.decoding → catscale": "choosing among PyTorch's devices loads torch, which decoding does without",
    "run.folder.converted → catscale": "CTranslate2 is optional",
    "run.exporting.formats → catscale": "CTranslate2 is optional",
    "run.exporting.serving → ctranslate2": "optional",
    "run.commands.data_stats → catscale": "the settings of a run load torch, which statistics do without",
    "vocabulary.piece_model → sentencepiece": "slow",
    "vocabulary.piece_model → google": "protobuf is slow",
    "vocabulary.sentencepiece → sentencepiece": "slow",
    "vocabulary.training → sentencepiece": "slow",
    "vocabulary.extension.content → tokenizers": "slow",
    "vocabulary.huggingface → tokenizers": "slow",
    "vocabulary.huggingface → transformers": "slow",
    "vocabulary.pretrained.folder → transformers": "slow",
    "vocabulary.pretrained.sentencepiece_files → transformers": "slow",
    "vocabulary.pretrained.vocabulary → tokenizers": "slow",
    "vocabulary.pretrained.vocabulary → transformers": "slow",
    "vocabulary.pretrained.tags → babel": "slow",
    "data.languages.codes → babel": "slow",
    "data.languages.countries → babel": "slow",
}
"""Imports inside functions that are allowed, and why; those in `cli` are, so that `catscale --help` waits for none."""


@dataclass(frozen=True)
class Import:
    """One import of one module.

    Attributes:
        importer: The module that imports, without `catscale.` before it.
        imported: What it imports, by its full name.
        line: Where.
        is_late: Whether inside a function.
    """

    importer: str
    imported: str
    line: int
    is_late: bool

    @property
    def late_key(self) -> str:
        """The name under which `LATE` allows it."""
        return f"{self.importer} → {self.imported.split('.')[0]}"


def read_modules(package: Path = PACKAGE) -> dict[str, Path]:
    """Find the modules of the package, by their name without `catscale.` before it; a folder's is `folder.__init__`."""
    return {".".join(path.relative_to(package).with_suffix("").parts): path for path in sorted(package.rglob("*.py"))}


def read_imports(package: Path = PACKAGE) -> list[Import]:
    """Read all imports of the package; names and version of the package itself, which hold no code, are left out."""
    modules = read_modules(package)
    found = []
    for name, path in modules.items():
        for node, is_late in _find_imports(ast.parse(path.read_text(encoding="utf-8"))):
            for imported in sorted(set(_imported_names(node, modules))):
                if imported != "catscale":
                    found.append(Import(name, imported, node.lineno, is_late))
    return found


def _find_imports(tree: ast.AST, is_late: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, is_late
        yield from _find_imports(node, is_late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _imported_names(node: ast.Import | ast.ImportFrom, modules: dict[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    if node.module is None or node.level:
        raise ValueError(f"imports are absolute, found a relative one in line {node.lineno}")
    for alias in node.names:
        inner = f"{node.module}.{alias.name}".removeprefix("catscale.")
        is_module = inner in modules or f"{inner}.__init__" in modules
        yield f"catscale.{inner}" if is_module else node.module


def find_upward(imports: list[Import]) -> list[str]:
    """Find the imports that go up or across: `importer:line → imported`."""
    below = {
        wing: {lower for level in LEVELS[:i] for lower in level} for i, level in enumerate(LEVELS) for wing in level
    }
    for wing, highest in ASIDE.items():
        below[wing] = highest.union(*(below[one] for one in highest))
    found = []
    for one in imports:
        wing, target = one.importer.split(".")[0], one.imported.split(".")
        if target[0] == "catscale" and target[1] != wing and target[1] not in below[wing]:
            found.append(f"{one.importer}:{one.line} → {one.imported}")
    return found


def find_knots(imports: list[Import]) -> list[list[str]]:
    """Find the sets of modules that import each other in a circle, late imports included."""
    reach: dict[str, set[str]] = {}
    for one in imports:
        reach.setdefault(one.importer.removesuffix(".__init__"), set()).add(one.imported.removeprefix("catscale."))
    reach.pop("__init__", None)  # its imports are for type checkers; the package loads its wings on first use
    for middle in list(reach):  # transitive closure
        for targets in reach.values():
            if middle in targets:
                targets |= reach[middle]
    tied = [one for one in reach if one in reach[one]]
    knots = {frozenset(other for other in tied if other in reach[one] and one in reach[other]) for one in tied}
    return sorted(sorted(knot) for knot in knots)


def find_late(imports: list[Import]) -> list[Import]:
    """Find the imports inside functions that no entry of `LATE` allows, those of `cli` apart."""
    late = [one for one in imports if one.is_late and not one.importer.startswith("cli.")]
    return [one for one in late if one.late_key not in LATE]


def find_commands_that_import_commands(imports: list[Import]) -> list[str]:
    """Find the modules of `run.commands` that import others of it: what two of them share has a place beside them."""
    mine = [one for one in imports if one.importer.startswith("run.commands.")]
    return [f"{one.importer}:{one.line}" for one in mine if one.imported.startswith("catscale.run.commands.")]
