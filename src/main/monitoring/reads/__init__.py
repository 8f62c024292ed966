"""Every number of the suite, one module each."""
