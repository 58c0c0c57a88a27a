"""Text for a person: progress, messages and tables, made safe for a terminal."""
