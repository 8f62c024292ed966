"""Pictures of the system dashboard."""
