"""The account of runs for a person: tables and the page."""
