"""What does a process count, and how does Prometheus get it? Plain numbers are pulled from their owners on demand."""

import platform
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import structlog
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from main.telemetry.version import schema_version

PREFIX = "ai_trader_"
MOST_SERIES = 200
"""Series of one metric: a label whose values come from the data (symbols, paths) must not grow without end."""

Labels = tuple[str, ...]
Number = float | int | None
Source = Callable[[], Number | Mapping[Labels, Number]]
SummarySource = Callable[[], "Distribution | Mapping[Labels, Distribution] | None"]

_NAME = re.compile(r"ai_trader_[a-z][a-z0-9_]*[a-z0-9]")
# As promtool lints: base units only. The suite's other units (bps, fractions as "ratio") have no base form.
_OTHER_UNITS = re.compile(r"_(milliseconds|microseconds|minutes|hours|days|kilobytes|megabytes|percent|ms|kb|mb)(_|\Z)")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often something took how long: the number of times, their sum in base units, and quantiles where known.

    ``quantiles`` are values by share (0 to 1), over a recent window; one that is not known is ``None``.
    """

    count: float
    total: float
    quantiles: Mapping[float, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Pulled:
    kind: Literal["gauge", "counter", "summary"]
    name: str
    help: str
    source: Callable[[], Any]
    labels: Labels


class Metrics(Collector):
    """The metrics of one process: pulled ones, the process's own (CPU, memory, files), and which build it is.

    `schema` is the newest migration this code needs; by default the newest there is.
    """

    def __init__(self, service: str, version: str, schema: str | None = None) -> None:
        self.registry = CollectorRegistry()
        self._pulled: dict[str, _Pulled] = {}
        self._broken: set[str] = set()
        self._dropped = 0
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        build = Gauge(
            f"{PREFIX}build_info",
            "Which build runs; always 1.",
            ("service", "version", "schema", "python"),
            registry=self.registry,
        )
        build.labels(service, version, schema_version() if schema is None else schema, platform.python_version()).set(1)
        self.counter(
            f"{PREFIX}metric_series_dropped_total",
            f"Series left out because a metric had more than {MOST_SERIES}.",
            lambda: self._dropped,
        )

    def gauge(self, name: str, help: str, source: Source, labels: Labels = ()) -> None:  # noqa: A002  # as Prometheus
        """Offer a value that goes up and down.

        `source` returns a number, or, with `labels`, numbers by tuples of label values; ``None`` leaves the series out.
        Raises ValueError for a name that promtool would complain of, or that is taken.
        """
        self._offer(_Pulled("gauge", name, help, source, labels))

    def counter(self, name: str, help: str, source: Source, labels: Labels = ()) -> None:  # noqa: A002  # as Prometheus
        """Offer a count since the process started; its name ends in ``_total``. Otherwise as `gauge`."""
        self._offer(_Pulled("counter", name, help, source, labels))

    def summary(self, name: str, help: str, source: SummarySource, labels: Labels = ()) -> None:  # noqa: A002
        """Offer how often something happened and how long it took; otherwise as `gauge`. Its name says the unit."""
        self._offer(_Pulled("summary", name, help, source, labels))

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the names are checked here, and Prometheus' registry need not pull to learn them."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield all pulled metrics; one whose source fails is left out, and the failure is logged once."""
        for pulled in tuple(self._pulled.values()):
            try:
                yield self._family(pulled)
            except Exception:  # noqa: BLE001  # a boundary: one broken source must not hide all the others
                if pulled.name not in self._broken:
                    self._broken.add(pulled.name)
                    _log.exception("metric failed", metric=pulled.name)
            else:
                self._broken.discard(pulled.name)

    def _offer(self, pulled: _Pulled) -> None:
        total = pulled.name.endswith("_total")
        if not _NAME.fullmatch(pulled.name) or _OTHER_UNITS.search(pulled.name) or total != (pulled.kind == "counter"):
            raise ValueError(
                f"metric {pulled.name!r}: use {PREFIX}… in lower case and base units (seconds, bytes, ratio); "
                "the name of a counter, and of nothing else, ends in _total"
            )
        if not pulled.help or pulled.name in self._pulled:
            raise ValueError(f"metric {pulled.name!r}: give it a help text, and offer it once")
        self._pulled[pulled.name] = pulled

    def _family(self, pulled: _Pulled) -> Metric:
        value = pulled.source()
        series = value if isinstance(value, Mapping) else {(): value}
        known = [(labels, each) for labels, each in series.items() if each is not None]
        self._dropped += max(0, len(known) - MOST_SERIES)
        name = pulled.name.removesuffix("_total") if pulled.kind == "counter" else pulled.name
        family = Metric(name, pulled.help, pulled.kind)
        for labels, each in known[:MOST_SERIES]:
            named = dict(zip(pulled.labels, labels, strict=True))
            if isinstance(each, Distribution):
                _add_distribution(family, named, each)
            else:
                family.add_sample(pulled.name, named, float(each))
        return family


def _add_distribution(family: Metric, labels: dict[str, str], told: Distribution) -> None:
    for share, value in told.quantiles.items():
        if value is not None:
            family.add_sample(family.name, labels | {"quantile": f"{share:g}"}, float(value))
    family.add_sample(f"{family.name}_sum", labels, float(told.total))
    family.add_sample(f"{family.name}_count", labels, float(told.count))
