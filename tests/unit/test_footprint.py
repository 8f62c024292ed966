"""What a bot says its process uses."""

import psutil
import pytest

from main.trading import footprint
from main.trading.footprint import Footprint, Usage


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock of the footprint, in a list whose only item is the time."""
    moment = [1000.0]
    monkeypatch.setattr(footprint, "monotonic", lambda: moment[0])
    return moment


def used(sampler: Footprint, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    times = sampler._process.cpu_times()._replace(user=seconds, system=0.0)
    monkeypatch.setattr(sampler._process, "cpu_times", lambda: times)


def test_processor_time_is_a_share_of_one_core_since_the_sample_before(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = Footprint()
    used(sampler, monkeypatch, 10.0)
    assert sampler.sample().cpu_percent is None  # nothing to compare with yet
    clock[0] += 4.0
    used(sampler, monkeypatch, 11.0)
    assert str(sampler.sample().cpu_percent) == "25.0"
    clock[0] += 2.0
    used(sampler, monkeypatch, 14.0)  # two threads, more than a core between them
    assert str(sampler.sample().cpu_percent) == "150.0"


def test_accounts_that_ask_within_two_seconds_are_told_the_same(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = Footprint()
    used(sampler, monkeypatch, 10.0)
    sampler.sample()
    clock[0] += 2.0
    used(sampler, monkeypatch, 10.5)
    first = sampler.sample()
    used(sampler, monkeypatch, 20.0)
    clock[0] += 1.9
    assert sampler.sample() is first


def test_memory_is_that_of_this_process() -> None:
    told = Footprint().sample().rss_bytes
    assert told is not None
    assert 0.5 < told / psutil.Process().memory_info().rss < 2


def test_a_system_that_does_not_tell_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = Footprint()

    def refused() -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(sampler._process, "cpu_times", refused)
    assert sampler.sample() == Usage(None, None)
