"""The translation model: sizes, construction, losses."""
