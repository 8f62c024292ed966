"""Rows on their way out of the suite: what a table's columns are, and how it is written, one module a format."""
