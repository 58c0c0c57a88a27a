"""The balancing methods, and what they share."""
