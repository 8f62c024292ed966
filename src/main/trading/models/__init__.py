"""Models that trade or watch, one file each, and the desk that records what they say and what became of it."""
