"""Parameters of languages: any code may have some, and one that has none is named."""

import pytest
import torch

from catscale.errors import ConfigError
from catscale.model.language_parameters import LanguageParameters


@pytest.mark.parametrize("code", ["to", "half", "type", "pt_BR", "train", "0x"])
def test_codes_that_are_names_of_a_module_s_members_are_codes_like_others(code: str) -> None:
    found = LanguageParameters({code: torch.ones(2), "en": torch.zeros(2)})
    assert found[code].tolist() == [1, 1]
    assert set(found.state_dict()) == {f"of_{code}", "of_en"}
    assert found.training


def test_they_are_trained_and_stand_in_the_order_of_the_codes() -> None:
    found = LanguageParameters({code: torch.full((1,), float(place)) for place, code in enumerate(("fr", "az", "en"))})
    assert found.languages == ["az", "en", "fr"]
    assert [parameter.item() for parameter in found.parameters()] == [1, 2, 0]
    assert all(parameter.requires_grad for parameter in found.parameters())


def test_a_language_without_any_is_named_with_those_that_there_are() -> None:
    found = LanguageParameters({"az": torch.zeros(1), "fr": torch.zeros(1)})
    with pytest.raises(ConfigError, match=r"parameters of az, fr, found a direction of 'ru'; translate between these"):
        found["ru"]
