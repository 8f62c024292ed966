"""Series in, number out. No I/O."""
