import os

import pytest

from catscale.system.offline import allowed_online, stay_offline

pytest.importorskip("datasets", reason="datasets is not installed: pip install 'catscale[datasets]'")
import datasets
import huggingface_hub

MODULES = (huggingface_hub.constants, datasets.config)


@pytest.fixture(autouse=True)
def undecided(monkeypatch):
    for name in ("HF_HUB_OFFLINE", "CATSCALE_OFFLINE_BY_DEFAULT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for module in MODULES:
        monkeypatch.setattr(module, "HF_HUB_OFFLINE", True)


def test_corpora_may_come_from_the_hub_where_we_keep_models_offline():
    stay_offline()
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    with allowed_online():
        assert [module.HF_HUB_OFFLINE for module in MODULES] == [False, False]
        assert not huggingface_hub.is_offline_mode()
    assert [module.HF_HUB_OFFLINE for module in MODULES] == [True, True]


@pytest.mark.parametrize("decided", ["1", "0"])
def test_the_user_s_word_stands(monkeypatch, decided):
    monkeypatch.setenv("HF_HUB_OFFLINE", decided)
    stay_offline()
    assert os.environ["HF_HUB_OFFLINE"] == decided
    with allowed_online():
        assert [module.HF_HUB_OFFLINE for module in MODULES] == [True, True]
