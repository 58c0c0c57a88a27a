import pytest

from catscale.data.corpora.file_names import read_name

MOSES = "{split}.{pair}.{lang}"


@pytest.mark.parametrize(
    ("pattern", "name", "values"),
    [
        (MOSES, "train.en-de.en", {"source": "en", "target": "de", "lang": "en"}),
        (MOSES, "train.en-pt-BR.pt-BR", {"source": "en", "target": "pt-BR", "lang": "pt-BR"}),
        (MOSES, "train.en-pt-BR.en", {"source": "en", "target": "pt-BR", "lang": "en"}),
        (MOSES, "train.pt-PT-pt-BR.pt-PT", {"source": "pt-PT", "target": "pt-BR", "lang": "pt-PT"}),
        (MOSES, "train.en-de.fr", None),
        (MOSES, "dev.en-de.en", None),
        ("{split}.{pair}.tsv", "train.en-zh-CN.tsv", {"source": "en", "target": "zh-CN"}),
        ("{split}.{target}.tsv", "train.zh-TW.tsv", {"target": "zh-TW"}),
        (
            "{target}_{source}/{split}.{lang}",
            "en_zh_Hans/train.en",
            {"target": "en", "source": "zh_Hans", "lang": "en"},
        ),
        ("{pair}/{split}/*.xlf", "en-de/train/a.b.xlf", {"source": "en", "target": "de"}),
        ("{split}.{lang}", "train.tar.gz", None),
        ("{split}.{lang}", "train.öö", {"lang": "öö"}),
    ],
)
def test_reading_a_name(pattern, name, values):
    assert read_name(pattern, "train", name, ()) == values


def test_explicit_codes_decide():
    assert read_name("{split}.{pair}.tsv", "train", "train.en-pt-br.tsv", ("en-pt", "br")) == {
        "source": "en-pt",
        "target": "br",
    }
    assert read_name("{split}.{lang}", "train", "train.a.b", ("a.b",)) == {"lang": "a.b"}
