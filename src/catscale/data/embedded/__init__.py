"""The embedded corpus, generated from the CLDR."""
