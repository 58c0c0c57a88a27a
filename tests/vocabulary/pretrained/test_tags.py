"""Which tag of a folder a code of the data means."""

from collections.abc import Mapping, Sequence

import pytest
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES as NLLB

from catscale.errors import ConfigError
from catscale.vocabulary.pretrained.tags import check_given, choose_tags, code_of, default_tag, find_tag, is_tag

OURS = ("__de__", "__en__", "__pt_BR__", "__zh__")


def chosen(code: str, tags: Sequence[str] = NLLB, given: Mapping[str, str] | None = None) -> str:
    return choose_tags([code], tags, given or {})[code]


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        ("en", "eng_Latn"), ("eng", "eng_Latn"), ("eng_Latn", "eng_Latn"), ("az", "azj_Latn"), ("ar", "arb_Arab"),
        ("ms", "zsm_Latn"), ("lv", "lvs_Latn"), ("iw", "heb_Hebr"), ("he", "heb_Hebr"), ("pt_BR", "por_Latn"),
        ("zh_TW", "zho_Hant"), ("zh_Hans", "zho_Hans"), ("zh_HK", "zho_Hant"), ("sr", "srp_Cyrl"),
        ("tl", "tgl_Latn"), ("be", "bel_Cyrl"), ("ckb", "ckb_Arab"), ("ku", "kmr_Latn"), ("nb", "nob_Latn"),
    ],
)  # fmt: skip
def test_a_code_that_fits_one_tag_of_nllb_needs_no_entry(code: str, tag: str) -> None:
    assert chosen(code) == tag


@pytest.mark.parametrize(
    ("code", "tag"), [("en", "__en__"), ("pt_BR", "__pt_BR__"), ("pt", "__pt_BR__"), ("zh_TW", "__zh__")]
)
def test_a_code_that_fits_one_tag_of_ours_needs_none_either(code: str, tag: str) -> None:
    assert chosen(code, OURS) == tag


def test_an_exact_code_goes_before_a_related_one() -> None:
    assert chosen("pt", ("__pt_BR__", "__pt__")) == "__pt__"
    assert chosen("pt_BR", ("__pt_BR__", "__pt__")) == "__pt_BR__"


def test_what_is_given_counts() -> None:
    assert chosen("zh", given={"zh": "zho_Hant"}) == "zho_Hant"
    assert chosen("xx", given={"xx": "eng_Latn"}) == "eng_Latn"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "zh",
            r"the code zh fits 2 tags of the folder, zho_Hans, zho_Hant; say which is meant, as in languages: {zh: ",
        ),
        ("fa", r"the code fa fits 2 tags of the folder, pes_Arab, prs_Arab"),
        ("tyv", r"no tag of the folder fits the code tyv; .*new_languages: {tyv: {tag: TAG, like: TAG}}"),
        ("sr_Latn", r"no tag of the folder fits the code sr_Latn"),
        ("xx", r"it has 202 tags, such as ace_Arab"),
    ],
)
def test_other_codes_are_refused(code: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        chosen(code)


def test_few_tags_are_all_named() -> None:
    with pytest.raises(ConfigError, match="it has __de__, __en__, __pt_BR__, __zh__; name one"):
        chosen("gl", OURS)


def test_two_codes_with_one_tag_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"pt and pt_BR have one tag, por_Latn; give them one code in the data"):
        choose_tags(["pt", "pt_BR"], NLLB, {})
    with pytest.raises(ConfigError, match=r"en and xx have one tag, eng_Latn"):
        choose_tags(["en", "xx"], NLLB, {"xx": "eng_Latn"})


def test_a_tag_that_is_not_there_names_the_nearest() -> None:
    message = r"model\.languages\.tyv: the folder has no tag 'tyv_Cyrl'; .*write new_languages: {tyv: {tag: tyv_Cyrl}}"
    with pytest.raises(ConfigError, match=message):
        check_given(NLLB, {"en": "eng_Latn", "tyv": "tyv_Cyrl"})
    with pytest.raises(ConfigError, match="tags that begin alike: deu_Latn"):
        check_given(NLLB, {"de": "deu_Lat"})
    check_given(NLLB, {"en": "eng_Latn"})


def test_the_order_is_that_of_the_languages() -> None:
    assert list(choose_tags(["de", "az", "en"], NLLB, {})) == ["de", "az", "en"]


def test_forms_of_tags() -> None:
    assert [tag for tag in (*NLLB, *OURS) if not is_tag(tag)] == []
    assert not any(map(is_tag, ("<s>", "<mask>", "▁eng_Latn", "eng", "__", "____", "<2en>")))
    assert code_of("__pt_BR__") == "pt_BR"


def test_a_relative_may_be_a_tag_or_a_code() -> None:
    assert find_tag("kaz_Cyrl", NLLB, {}) == "kaz_Cyrl"
    assert find_tag("kk", NLLB, {}) == "kaz_Cyrl"
    assert find_tag("mine", NLLB, {"mine": "tur_Latn"}) == "tur_Latn"
    assert find_tag("zh", NLLB, {}) == "zh", "of two it is none"


def test_a_new_tag_is_written_as_the_others_where_that_can_be_known() -> None:
    assert default_tag("gl", OURS) == "__gl__"
    assert default_tag("tyv_Cyrl", NLLB) == "tyv_Cyrl"
    assert default_tag("tyv", NLLB) is None
    assert default_tag("gl", ()) is None
