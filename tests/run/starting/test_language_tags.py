import pytest

from catscale.errors import ConfigError
from catscale.run.starting.language_tags import ChosenTags, choose_tags, read_tags
from tests.model.nllb_folder import TAGS, write_nllb_folder


def test_tags_are_found_doubted_and_made():
    assert choose_tags(["en", "az", "zh", "tyv"], TAGS) == ChosenTags(
        known={"en": "eng_Latn", "az": "azj_Latn", "zh": "zho_Hans"},
        others={"zh": ["zho_Hant"]},
        new={"tyv": "tyv_Cyrl"},
        relatives={"tyv": ["rus_Cyrl", "bel_Cyrl"]},
    )


def test_two_codes_have_two_tags():
    chosen = choose_tags(["zh_TW", "zh", "cmn"], TAGS)
    assert chosen.known == {"zh_TW": "zho_Hant", "zh": "zho_Hans"}
    assert chosen.new == {"cmn": "cmn_Hans"}


def test_a_folder_s_own_form_of_tags():
    chosen = choose_tags(["en", "gl"], ["__en__", "__pt__", "__es__"])
    assert (chosen.known, chosen.new) == ({"en": "__en__"}, {"gl": "__gl__"})
    assert chosen.relatives["gl"] == ["__pt__", "__es__", "__en__"]


def test_relatives_are_looked_for_by_script_and_countries():
    tags = [f"__{code}__" for code in ("az", "de", "en", "kk", "ru", "uk")]
    assert choose_tags(["be"], tags).relatives["be"][:2] == ["__uk__", "__ru__"]
    assert choose_tags(["ckb"], [*tags, "__fa__"]).relatives["ckb"] == ["__fa__"]
    assert sorted(choose_tags(["am"], tags).relatives["am"]) == tags, "all of them where none has the script"
    assert choose_tags(["sr_Latn"], ["eng_Latn", "srp_Cyrl", "hrv_Latn"]).relatives["sr_Latn"] == [
        "hrv_Latn",
        "eng_Latn",
    ]


def test_the_tags_of_a_folder(tmp_path):
    write_nllb_folder(tmp_path / "nllb")
    assert read_tags(tmp_path / "nllb") == TAGS
    with pytest.raises(ConfigError, match="has no tokenizer"):
        read_tags(tmp_path)
