"""What can be measured of how the source is built, and the rules that a test holds."""
