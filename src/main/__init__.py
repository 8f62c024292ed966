"""AI Trader: monitoring for people who run trading bots with their own money."""
