"""The browser's view."""
