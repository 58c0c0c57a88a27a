"""What a person reads of runs: tables and the page."""
