"""Nothing writes, locks, cuts, renames or removes but `catscale.system`: the source is read for calls that do."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import catscale

ROOT = Path(catscale.__file__).parent
BY_MODULE = {
    "os": {
        "open", "fdopen", "remove", "unlink", "rename", "renames", "replace", "mkdir", "makedirs", "rmdir",
        "removedirs", "truncate", "ftruncate", "symlink", "link", "chmod", "fchmod", "chown", "fchown", "mkfifo",
        "mknod", "write", "utime",
    },
    "shutil": {"rmtree", "move", "copy", "copy2", "copyfile", "copytree", "copymode", "copystat", "make_archive",
               "unpack_archive", "chown"},
    "tempfile": {"*"},
    "fcntl": {"*"},
    "io": {"open", "FileIO", "open_code"},
    "numpy": {"save", "savez", "savez_compressed", "savetxt", "memmap"},
    "np": {"save", "savez", "savez_compressed", "savetxt", "memmap"},
    "torch": {"save"},
    "safetensors.torch": {"save_model"},
    "pickle": {"dump"},
    "sqlite3": {"connect"},
    "zipfile": {"ZipFile"},
    "tarfile": {"open"},
    "gzip": {"open"},
    "bz2": {"open"},
    "lzma": {"open"},
}  # fmt: skip
"""Functions that change the disk, or may: those of archives and arrays, which also read, need a mode for it."""
MODE_AT = {"open": 1, "memmap": 2, "ZipFile": 1}
"""Of openings, which argument says whether they write; that of a method `open` is the first."""
METHODS = {
    "write_text", "write_bytes", "touch", "unlink", "rename", "mkdir", "rmdir", "symlink_to", "hardlink_to", "chmod",
    "lchmod", "tofile", "savefig", "save_pretrained", "extractall", "extract", "rmtree", "to_csv",
    "to_json_file", "push_to_hub", "write_html",
}  # fmt: skip
"""Methods that change the disk, of whatever object: of paths, arrays, models, archives."""
FUNCTIONS = {"save_file", "SummaryWriter", "TemporaryDirectory", "NamedTemporaryFile", "mkstemp", "mkdtemp", "rmtree",
             "copyfile", "copytree", "FileIO"}  # fmt: skip

ALLOWED = {
    ("training/checkpointing/checkpoint.py", "save_file"): "safetensors, into a folder that new_folder made",
    ("model/m2m100_model.py", "save_pretrained"): "transformers, into a folder that new_folder made",
    ("model/saved_tensors.py", "save_file"): "safetensors, into a folder that new_folder made",
    ("vocabulary/sentencepiece.py", "save_pretrained"): "transformers, into a folder that new_folder made",
    ("training/records/tensorboard.py", "SummaryWriter"): "TensorBoard, into RUN/tensorboard, which was looked at",
    ("data/preparation/work_folder.py", "np.save"): "into a file that create_file opened",
    ("data/store/token_files.py", "np.memmap"): "reads",
    ("data/preparation/worker.py", "os.fdopen"): "of standard output",
    ("evaluation/metrics/comet_script.py", "os.fdopen"): "of standard output",
    ("integrations/new_languages.py", "save_pretrained"): "transformers, into a folder that scratch_folder made",
    ("vocabulary/huggingface.py", "extract"): "reads a SentencePiece model",
    ("recipes/unpack.py", "rename"): "gives a member of an archive its name",
    ("training/signals.py", "os.write"): "to standard error, from a signal's handler",
}
"""What a library writes itself, into a fresh folder of ours; and what is no file."""


def calls(tree: ast.AST) -> Iterator[tuple[int, str, ast.Call]]:
    """Every call that may change the disk: line, name, call."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Attribute):
            owner = function.value.id if isinstance(function.value, ast.Name) else ""
            names = BY_MODULE.get(owner)
            if names is not None:
                if function.attr in names or "*" in names:
                    yield node.lineno, f"{owner}.{function.attr}", node
            elif function.attr in METHODS | FUNCTIONS or (function.attr == "replace" and len(node.args) == 1):
                yield node.lineno, function.attr, node
            elif function.attr == "open":
                yield node.lineno, "open", node
        elif isinstance(function, ast.Name) and function.id in {"open", *FUNCTIONS}:
            yield node.lineno, function.id, node


def is_reading(name: str, call: ast.Call) -> bool:
    """Whether an opening is for reading only, as its mode says in so many words."""
    short = name.rpartition(".")[2]
    if name == "os.open":
        flags = ast.unparse(call.args[1])
        return "O_RDONLY" in flags and "O_CREAT" not in flags and "O_TRUNC" not in flags
    if short not in MODE_AT or name == "io.open":
        return False
    is_method = isinstance(call.func, ast.Attribute) and name == "open"
    at = 0 if is_method else MODE_AT[short]
    given = [keyword.value for keyword in call.keywords if keyword.arg == "mode"] or call.args[at : at + 1]
    if not given:
        return short != "memmap"  # whose default writes
    if not isinstance(given[0], ast.Constant):
        return is_method and not any(keyword.arg == "mode" for keyword in call.keywords)  # as in Store.open(folder)
    return not set(str(given[0].value)) & set("wax+")


def violations(path: Path) -> list[str]:
    place = path.relative_to(ROOT).as_posix()
    return [
        f"{place}:{line} {name}"
        for line, name, call in calls(ast.parse(path.read_text(encoding="utf-8")))
        if not is_reading(name, call) and (place, name) not in ALLOWED
    ]


def imports(path: Path) -> list[str]:
    """Names of functions of the tables that a file imports on their own, past the look at `module.function`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module in BY_MODULE:
            names = BY_MODULE[node.module]
            found += [alias.name for alias in node.names if alias.name in names or "*" in names]
        elif isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name in BY_MODULE and a.asname not in (None, "np")]
    return [f"{path.relative_to(ROOT)} imports {name}" for name in found]


def sources() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if path.relative_to(ROOT).parts[0] != "system"]


def test_nothing_else_changes_the_disk():
    found = [line for path in sources() for line in (*violations(path), *imports(path))]
    assert not found, "go through catscale.system.writing.files:\n" + "\n".join(found)


def test_every_exception_is_needed():
    used = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in sources()
        for _, name, _ in calls(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert ALLOWED.keys() <= used


@pytest.mark.parametrize(
    "line",
    [
        "open(p, 'w')", "open(p, mode='ab')", "open(p, mode)", "p.open('xb')", "p.open(mode='r+')", "p.open(mode=m)",
        "os.remove(p)", "os.open(p, os.O_WRONLY)", "os.replace(p, q)", "p.replace(q)", "p.unlink(missing_ok=True)",
        "shutil.rmtree(p)", "shutil.copyfile(p, q)", "tempfile.mkdtemp()", "TemporaryDirectory()", "p.mkdir()",
        "p.write_text('x')", "np.save(p, x)", "model.save_pretrained(p)", "array.tofile(p)", "fcntl.flock(f, 2)",
        "np.memmap(p, mode='w+')", "zipfile.ZipFile(p, 'w')", "gzip.open(p, 'wt')", "(a / b).touch()", "f().rename(q)",
    ],
)  # fmt: skip
def test_a_call_that_writes_is_found(line):
    [(_, name, call)] = calls(ast.parse(line))
    assert not is_reading(name, call)


@pytest.mark.parametrize(
    "line",
    [
        "open(p)", "open(p, 'rb')", "p.open(encoding='utf-8')", "os.open(p, os.O_RDONLY | f)", "gzip.open(p, 'rb')",
        "np.memmap(p, dtype=t, mode='r')", "tarfile.open(fileobj=f, mode='r|')", "zipfile.ZipFile(f)",
    ],
)  # fmt: skip
def test_a_call_that_reads_is_let_pass(line):
    [(_, name, call)] = calls(ast.parse(line))
    assert is_reading(name, call)


@pytest.mark.parametrize("line", ["text.replace('a', 'b')", "Store.split(p)", "os.path.join(a, b)", "replace(x, y=1)"])
def test_other_calls_are_none(line):
    assert not list(calls(ast.parse(line)))
