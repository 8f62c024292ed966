"""The five processes of the suite, started as a user starts them, for tests that look at each of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.running import Suite, fetch, running, until

PROCESSES = ("trading", "system", "manager", "worker", "bot")


@contextmanager
def whole_suite(folder: Path) -> Iterator[Suite]:
    """Run bot, manager, both dashboards and worker over an embedded database; all answer that they are ready."""
    with running(Suite(folder), "trade", "--enable-monitoring", "--interval", "0.5") as suite:
        suite.wait_until_ready(*PROCESSES)
        yield suite


def metrics_of(suite: Suite, process: str) -> str:
    """Return what a process tells Prometheus."""
    status, body = fetch(suite.url(process, "/metrics"))
    assert status == 200, (process, status, body[:300])
    return body.decode()


def until_told(suite: Suite, process: str, *names: str, seconds: float = 40) -> str:
    """Wait until a process tells these metrics, and return all it tells."""

    def told() -> str:
        text = metrics_of(suite, process)
        return text if all(f"\n{name}" in text for name in names) else ""

    return str(until(told, seconds, f"{process} tells {', '.join(names)}"))
