"""What is risk coloured with, and where does a bar of it have its tick? Limits on money may wear money's colours."""

from collections.abc import Sequence

LEVERAGE_TONES = {"normal": "profit", "raised": "warn", "excessive": "loss"}
"""By the exposure read's band."""

LOSS_WARN_AT = 0.6
"""The share of the daily loss limit at which the bot's own warning stands."""

ACCOUNT_TONES = ("accent", "cat-2", "cat-3", "cat-4", "cat-5", "cat-6")
"""Of the curves of several accounts, and how many of them one chart can hold."""


def account_tones(shown: Sequence[str], accounts: Sequence[str]) -> dict[str, str]:
    """Return the tone of each account that is `shown`, no more than there are tones: one name, one colour on a page.

    It is that of its place among all `accounts` of the page, whatever the panel; where there are more of them than
    tones, and its tone is taken, the next one that is free.
    """
    places = {account: place for place, account in enumerate(sorted({*accounts, *shown}))}
    tones: dict[str, str] = {}
    for account in sorted(shown, key=places.__getitem__):
        wanted = places[account] % len(ACCOUNT_TONES)
        order = ACCOUNT_TONES[wanted:] + ACCOUNT_TONES[:wanted]
        tones[account] = next(tone for tone in order if tone not in tones.values())
    return tones
