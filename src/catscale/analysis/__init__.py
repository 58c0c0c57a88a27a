"""The analysis of the loss landscape: curvature and gradient similarity, task by task."""
