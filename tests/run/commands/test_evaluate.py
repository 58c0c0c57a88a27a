"""What `catscale evaluate` says of scores."""

from catscale.run.commands.evaluate import too_early


def test_a_model_that_does_not_translate_yet():
    said = too_early({"en-az": 0.0, "en-fr": 0.3}, 1200)
    assert said.startswith("warning: BLEU is below 1 in every direction: the model does not translate yet after 1,200")
    assert "yet; train on" in too_early({"en-az": 0.0}, None)
    assert too_early({"en-az": 0.0, "en-fr": 4.0}, 1200) == ""
