"""Files that are read back: within limits, and checked against a schema."""
