from catscale.run.starting.first_settings import choose_settings
from catscale.run.starting.new_model import write_new_model
from catscale.system.reading.yaml_file import parse_yaml
from tests.run.starting.test_first_settings import volume_of


def test_sections_are_named_with_their_reasons():
    volume = volume_of(5_000)
    lines = write_new_model(choose_settings(volume, 0, False), volume)
    assert parse_yaml("\n".join(lines)) == {
        "vocabulary": {"size": 2000},
        "model": {"preset": "tiny"},
        "optimizer": {"warmup_steps": 110},
    }
    assert "# 5,000 train pairs in all, so the preset is tiny" in "\n".join(lines)
