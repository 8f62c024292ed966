"""Pictures of the trading dashboard."""
