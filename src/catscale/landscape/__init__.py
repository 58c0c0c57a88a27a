"""The loss landscape around a model: curvature, Fisher information, similarity of the tasks' gradients.

Plain PyTorch: everything takes functions that compute losses, and the parameters that they depend on.
"""
