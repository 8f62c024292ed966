"""Which samples of a machine's parts does a question about a window ask for?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.domain.scope import Scope
from main.monitoring.series import Series, bucket_width

LEAST = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class HostPoints(Series):
    """Params: about how many points each course has."""

    points: int = 120


def samples_asked(scope: Scope, asked: HostPoints | None) -> tuple[datetime, datetime, datetime, timedelta]:
    """Return the arguments of ``host_samples``: the window, as known when, and the width of its buckets."""
    bounds = scope.bounds()
    points = (asked or HostPoints()).points
    return bounds.start, bounds.end, bounds.known_at, bucket_width(bounds.start, bounds.end, points, LEAST)
