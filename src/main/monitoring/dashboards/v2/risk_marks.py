"""What is risk coloured with, and where does a bar of it have its tick? Limits on money may wear money's colours."""

LEVERAGE_TONES = {"normal": "profit", "raised": "warn", "excessive": "loss"}
"""By the exposure read's band."""

LOSS_WARN_AT = 0.6
"""The share of the daily loss limit at which the bot's own warning stands."""

ACCOUNT_TONES = ("accent", "cat-2", "cat-3", "cat-4", "cat-5", "cat-6")
"""Of the curves of several accounts, and how many of them one chart can hold."""
