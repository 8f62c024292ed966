"""Every picture of the suite, one module each."""
