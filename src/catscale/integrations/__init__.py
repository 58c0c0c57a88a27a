"""Balancing and sampling in other people's training loops; nothing here is imported by the rest of catscale."""

from catscale.integrations.mixture_sampler import MixtureSampler

__all__ = ["MixtureSampler"]
