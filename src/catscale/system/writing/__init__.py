"""Files and folders that are written, locked and removed: the one place that does so."""
