"""The balancer in other people's training loops; nothing here is imported by the rest of catscale."""
