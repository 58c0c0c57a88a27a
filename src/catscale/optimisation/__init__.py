"""The steps by which the combined gradient moves the parameters: optimisers, and the course of the learning rate."""
