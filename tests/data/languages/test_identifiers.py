import pytest

from catscale.data.languages.identifiers import are_texts


@pytest.mark.parametrize(
    "values",
    [
        ["s0", "s1", "s2"],
        ["0", "1", "2"],
        ["0.25", "-1.5"],
        ["https://example.org/a b", "http://x.y"],
        ["doc 1", "doc 2", "doc 3"],
        ["3f2c9a0e", "99ab01cd"],
        ["news/2019/a", "news/2019/b"],
        ["a@example.org", "b@example.org"],
        ["12 34", "56 78"],
        ["True 1", "0", "1"],
    ],
)
def test_numbers_addresses_and_identifiers(values):
    assert not are_texts(values)


@pytest.mark.parametrize(
    "values",
    [
        ["Saya lapar.", "Apa kabar?"],
        ["Ja.", "Nein!", "Danke"],
        ["你好，世界。", "我有3本书"],
        ["मैं घर जा रहा हूँ", "नमस्ते"],
        ["ភាសាខ្មែរ"],
        ["Room 101 is open .", "5 of 6 remain"],
        ["1", "a b c", "d e f"],
        [],
        ["", " "],
    ],
)
def test_sentences(values):
    assert are_texts(values)
