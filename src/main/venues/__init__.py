"""Thin clients of trading venues: what is asked, how long it may take, what an error means."""
