"""Defects of the vocabulary, of what counts its unknown pieces, and of the models that come from elsewhere."""

VOCABULARY = "src/catscale/vocabulary/sentencepiece.py"
CONTRACT = "src/catscale/vocabulary/contract.py"
TABLE = "src/catscale/vocabulary/table.py"
EXISTING = "src/catscale/vocabulary/existing_model.py"
TRAINING = "src/catscale/vocabulary/training.py"
MODEL = "src/catscale/vocabulary/piece_model.py"
UNKNOWN = "src/catscale/data/preparation/unknown_pieces.py"
ENCODING = "src/catscale/data/preparation/encoding.py"
LINES = "src/catscale/data/formats/lines.py"
TAGS = "src/catscale/data/preparation/tag_runs.py"
TASKS = "src/catscale/data/preparation/tasks.py"
USED = "src/catscale/data/corpora/used_part.py"
TAGGED = "src/catscale/data/store/tagged_pairs.py"
TOKENIZER = "src/catscale/vocabulary/huggingface.py"
ROUND_TRIP = "tests/data/test_round_trip.py"
MODEL_TEST = "tests/vocabulary/test_piece_model.py"
EXISTING_TEST = "tests/vocabulary/test_existing_model.py"
UNKNOWN_TEST = "tests/data/preparation/test_unknown_pieces.py"
FOLDER_TEST = "tests/run/folder/test_run_folder.py"

CONTRACT_TEST = "tests/vocabulary/test_contract.py"

MUTANTS = [
    (VOCABULARY, "list(about.pieces), list(self.languages), *tags]", "list(about.pieces), *tags]", CONTRACT_TEST),
    (VOCABULARY, "first + n for n", "self.pieces + n for n", CONTRACT_TEST),
    (VOCABULARY, "if tuple(self.corpus_tags) != tuple(other.corpus_tags):", "if False:", CONTRACT_TEST),
    (ENCODING, "else [tag, *line]", "else [*line, tag]", "tests/data/preparation/test_encoding.py"),
    (TAGS, "count + len(chunk.pairs)", "len(chunk.pairs)", "tests/data/preparation/test_tag_runs.py"),
    (TASKS, "task.shard * SHARD)", "0)", "tests/data/test_mixture.py"),
    (USED, '{"dev", "test"} <= set(self.config.use)', "True", "tests/data/corpora/test_used_part.py"),
    (TAGGED, "self._pairs.source_lengths + 1", "self._pairs.source_lengths", "tests/data/store/test_tagged_pairs.py"),
    (VOCABULARY, "self.pieces + 1 + n for n", "self.pieces for n", CONTRACT_TEST),
    (CONTRACT, "if self.kind != FIRST_KIND:", "if False:", CONTRACT_TEST),
    (TABLE, "    if name not in KINDS:\n", "    if False:\n", CONTRACT_TEST),
    (VOCABULARY, "    line = line.strip()\n", "", ROUND_TRIP),
    (VOCABULARY, "text = text.replace(stand_in, character)", "text = text.replace(stand_in, ' ')", ROUND_TRIP),
    (CONTRACT, "return [text.strip() == line.strip() for", "return [True for", ROUND_TRIP),
    (VOCABULARY, " or self.languages != other.languages:", ":", MODEL_TEST),
    (VOCABULARY, "theirs.pieces, theirs.charsmap)", "theirs.pieces, ours.charsmap)", MODEL_TEST),
    (VOCABULARY, "keep_alike and (ours", "(ours", MODEL_TEST),
    (VOCABULARY, " or ours.is_rebuilt or theirs.is_rebuilt", "", MODEL_TEST),
    (TRAINING, '{"remove_extra_whitespaces": False}', "{}", ROUND_TRIP),
    (TRAINING, 'line = line.replace(token, " ".join(token))', "pass", ROUND_TRIP),
    (TRAINING, "normalization_rule_name=config.normalisation", 'normalization_rule_name="nfkc"', ROUND_TRIP),
    (EXISTING, "if about.has_bytes or about.user_defined:", "if about.user_defined:", EXISTING_TEST),
    (EXISTING, "    if taken:\n", "    if False:\n", EXISTING_TEST),
    (TRAINING, "self.path is not None or self.normalisation == FIRST", "self.normalisation == FIRST", FOLDER_TEST),
    (MODEL, "bool(charsmap)\n", "True\n", MODEL_TEST),
    (MODEL, "len(CONTROLS) - float(number)", "float(number) - len(vocabulary)", MODEL_TEST),
    (TOKENIZER, 'if "".join(pair) not in CONTROLS]', "if pair]", MODEL_TEST),
    (UNKNOWN, "if found is not None and found[0] > most:", "if found is not None and found[0] >= 1:", UNKNOWN_TEST),
    (UNKNOWN, "if share > WARNED_OF and", "if share > 0.6 and", UNKNOWN_TEST),
    (ENCODING, "ids[1]).count(False)", "ids[1]).count(True)", UNKNOWN_TEST),
    (ENCODING, 'methodcaller("count", vocabulary.unk_id)', 'methodcaller("count", vocabulary.eos_id)', UNKNOWN_TEST),
    (ENCODING, "lengths.min(axis=0) == 0", "lengths.max(axis=0) == 0", "tests/data/preparation/test_encoding.py"),
    (ENCODING, "        if was_on:\n", "        if not was_on:\n", "tests/data/preparation/test_encoding.py"),
    (LINES, "is_open = len(blocks[0]) == BLOCK", "is_open = False", "tests/data/formats/test_lines.py"),
    (
        VOCABULARY,
        "    if any(character in text for character, _ in STAND_INS):\n        return [hide",
        "    if text:\n        return list(lines)\n    if any(character in text for character, _ in STAND_INS):\n        return [hide",
        "tests/vocabulary/test_stand_ins.py",
    ),
]
