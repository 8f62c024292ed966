"""The paper trader: something true to watch."""
