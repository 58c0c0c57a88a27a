"""The engine that runs a balancing method inside a training loop."""
