"""Parsing of files in the formats that traders keep."""
