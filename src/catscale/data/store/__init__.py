"""The token store: a prepared corpus on disk."""
