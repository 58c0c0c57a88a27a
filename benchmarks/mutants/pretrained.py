"""Defects of what reads a pre-trained model's folder, and of the vocabulary and the network made of it."""

VOCABULARY = "src/catscale/vocabulary/pretrained"
MODEL = "src/catscale/model"
RUN = "src/catscale/run"
TESTS = "tests/vocabulary/pretrained"
CONTENT, FILE, PIECES = (
    f"{TESTS}/test_content.py",
    f"{TESTS}/test_tokenizer_file.py",
    f"{TESTS}/test_sentencepiece_files.py",
)
TAGS, WORDS, ADAPTING = f"{TESTS}/test_tags.py", f"{TESTS}/test_vocabulary.py", f"{TESTS}/test_adapting.py"
SETTINGS, FOLDER = f"{TESTS}/test_settings.py", f"{TESTS}/test_folder.py"
NETWORK, BASE = "tests/model/test_pretrained.py", "tests/model/test_base_folder.py"

MUTANTS = [
    (f"{VOCABULARY}/content.py", "if left + right not in pieces.special]", "]", CONTENT),
    (f"{VOCABULARY}/content.py", 'while name in vocabulary:\n        name += "_"', "pass", CONTENT),
    (f"{VOCABULARY}/content.py", "if tokens[number] is not None:", "if False:", CONTENT),
    (f"{VOCABULARY}/tokenizer_file.py", 'if t.get("special") or is_tag(t["content"])', 'if t.get("special")', FILE),
    (f"{VOCABULARY}/tokenizer_file.py", "special |= {token for", "special &= {token for", FILE),
    (f"{VOCABULARY}/sentencepiece_files.py", "len(ids) + number", "len(ids) + number + 1", PIECES),
    (f"{VOCABULARY}/sentencepiece_files.py", "if piece in ids]),", "]),", PIECES),
    (f"{VOCABULARY}/tags.py", "return exact or [", "return [", TAGS),
    (f"{VOCABULARY}/tags.py", 'or "" in (ours[1], theirs[1])', "or True", TAGS),
    (f"{VOCABULARY}/tags.py", 'f"{language}_{rest[0].upper()}"', "language", TAGS),
    (f"{VOCABULARY}/folder.py", "!= self.sizes[key]:", "< 0:", FOLDER),
    (f"{VOCABULARY}/vocabulary.py", "self._tokenizer.encode_special_tokens = True", "pass", WORDS),
    (f"{VOCABULARY}/vocabulary.py", " or IS_SPARE.fullmatch(token))", ")", WORDS),
    (f"{VOCABULARY}/adapting.py", "rows.select(trimmed.kept), said", "rows, said", ADAPTING),
    (f"{VOCABULARY}/adapting.py", 'changes.characters == "all" or ', "", ADAPTING),
    (f"{VOCABULARY}/adapting.py", "and token not in changes.tags.values()]", "]", ADAPTING),
    (f"{VOCABULARY}/settings.py", '"rows": self.base.sizes["vocab_size"]', '"rows": 0', SETTINGS),
    (f"{MODEL}/pretrained_network.py", "extend_state(tensors, rows, seed), len", "tensors, len", NETWORK),
    (f"{MODEL}/pretrained_network.py", '"encoder_layerdrop": 0.0, ', "", NETWORK),
    (f"{MODEL}/base_folder.py", "total.update(", "str(", BASE),
    (f"{MODEL}/base_folder.py", "or found.architecture != PLAIN:", "or False:", BASE),
    (f"{MODEL}/base_folder.py", "weights_only=True", "weights_only=False", BASE),
    (f"{MODEL}/freezing.py", 'name.endswith("model.shared")', "False", "tests/model/test_freezing.py"),
    (
        f"{RUN}/model_vocabulary.py",
        "if found.get(key) != implied[key]:",
        "if False:",
        "tests/run/test_model_vocabulary.py",
    ),
    (
        f"{RUN}/folder/base_model.py",
        'if base["fingerprint"] != before["fingerprint"]:',
        "if False:",
        "tests/run/folder/test_base_model.py",
    ),
]
