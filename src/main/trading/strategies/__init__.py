"""What to trade and when, one strategy a module."""
