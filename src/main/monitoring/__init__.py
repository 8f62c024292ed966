"""Every number once, and every surface that shows it."""
