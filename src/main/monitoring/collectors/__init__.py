"""What the worker measures by itself: host, processes, database."""
