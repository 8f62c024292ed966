"""Who executes orders."""
