"""The processes of one run, and what they share."""
