"""Settings of all tests."""

from hypothesis import settings

settings.register_profile(
    "catscale", deadline=None
)  # a busy machine is no counterexample; pytest-timeout stops what hangs
settings.load_profile("catscale")
