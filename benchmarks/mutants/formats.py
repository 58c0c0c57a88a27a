"""Defects of formats, of the names of stores, and of paths in configurations."""

TMX = "src/catscale/data/formats/tmx.py"
PARQUET = "src/catscale/data/formats/parquet.py"
FORMATS = "src/catscale/data/formats/table.py"
FINGERPRINT = "src/catscale/data/preparation/fingerprint.py"
CORPUS = "src/catscale/data/corpora/corpus.py"
LOCATION = "src/catscale/settings/location.py"
CONTRACT_TEST = "tests/data/formats/test_contract.py"
FINGERPRINT_TEST = "tests/data/preparation/test_fingerprint.py"

MUTANTS = [
    (FORMATS, "if name not in FORMATS and name not in ELSEWHERE:", "if False:", CONTRACT_TEST),
    (PARQUET, "ROWS = 2_000", "ROWS = 2_000_000", CONTRACT_TEST),
    (TMX, "if self.length > longest:", "if False:", "tests/recipes/test_publisher_files.py"),
    (TMX, "reading=2,", "reading=1,", FINGERPRINT_TEST),
    (FINGERPRINT, "models[0] if len(models) == 1 else models or None", "models or None", FINGERPRINT_TEST),
    (
        "src/catscale/data/corpora/used_part.py",
        'if split == "train" else None',
        "if False else None",
        "tests/data/test_mixture.py",
    ),
    (LOCATION, "if not os.environ.get(name):", "if True:", "tests/settings/test_location.py"),
    (
        LOCATION,
        "type(self).of(Path(self).absolute(), self.variables)",
        "type(self)(Path(self).absolute())",
        "tests/settings/test_location.py",
    ),
]
