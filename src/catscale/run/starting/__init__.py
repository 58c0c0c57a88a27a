"""A first configuration for text that nobody has described yet."""
