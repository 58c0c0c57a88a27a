from pathlib import Path

from catscale.run.config import parse_config
from catscale.run.starting.first_settings import choose_settings
from catscale.run.starting.language_tags import ChosenTags
from catscale.run.starting.pretrained_model import write_pretrained
from catscale.system.reading.yaml_file import parse_yaml
from tests.run.starting.test_first_settings import volume_of

TAGS = ChosenTags({"en": "eng_Latn", "no": "nob_Latn"}, {"no": ["nno_Latn"]}, {"y": "y_Latn"}, {"y": ["eng_Latn"]})


def test_sections_load_with_comments_taken_off_or_not(tmp_path):
    (tmp_path / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    text = "\n".join(write_pretrained(tmp_path, TAGS, choose_settings(volume_of(10_000), 0, True)))
    content = parse_yaml(text)
    assert content == {
        "model": {
            "pretrained": str(tmp_path),
            "languages": {"en": "eng_Latn", "no": "nob_Latn"},
            "new_languages": {"y": {"tag": "y_Latn"}},
        },
        "optimizer": {"learning_rate": 2e-4, "schedule": "cosine", "warmup_steps": 54},
    }
    assert "# The folder's licence is cc-by-nc-4.0" in text
    assert "# no may mean nno_Latn too." in text
    assert "      # like: TAG   # eng_Latn\n" in text
    data = "data: {format: moses, path: x, directions: [en-y]}\n"
    for hint in ("like:", "pieces:", "trim:", "adapters:", "freeze:"):
        config = parse_config(parse_yaml(data + text.replace(f"# {hint}", hint)), hint)
        assert config.vocabulary.kind == "pretrained"


def test_all_languages_known_and_all_new(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()
    chosen = choose_settings(volume_of(10), 0, True)
    known = ChosenTags({"en": "eng_Latn"}, {}, {}, {})
    assert "new_languages" not in "\n".join(write_pretrained(Path("~"), known, chosen))
    new = ChosenTags({}, {}, {"y": "y_Latn"}, {"y": ["eng_Latn"]})
    content = parse_yaml("\n".join(write_pretrained(Path("~"), new, chosen)))["model"]
    assert content == {"pretrained": "./~", "new_languages": {"y": {"tag": "y_Latn"}}}
