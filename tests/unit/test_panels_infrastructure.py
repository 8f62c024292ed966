"""What the pages of the machine draw from answers made by hand: one core, 256, hostile names, nothing, no database."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from main.domain.scope import Scope
from main.monitoring.dashboards.v2.encoder import PanelEncoder
from main.monitoring.host_course import disk_courses, interface_courses
from main.monitoring.host_parts import Disk, DisksSample, Interface, InterfacesSample
from main.monitoring.host_states import (
    CpuPoint,
    FilesPoint,
    FileSystemState,
    HostCpu,
    HostMemory,
    MemoryPoint,
    SensorState,
)
from main.monitoring.host_usage import HostHistory, HostPoint, HostSample
from main.monitoring.paging import Paged
from main.monitoring.read import Answer, Freshness, Read, State
from main.monitoring.reads import (
    host_cpu,
    host_disks,
    host_file_systems,
    host_files,
    host_history,
    host_memory,
    host_network,
    host_now,
    host_temperatures,
    processes,
)
from main.monitoring.reads.host_now import HostNow
from tests.drawing import NOW, PANELS, SCOPE, answer, drawn, filled, words

SECOND = timedelta(seconds=1)
HOSTILE = "<img src=x onerror=alert(1)>"
MACHINE = [name for name, panel in PANELS.items() if host_now.READ in panel.reads]


def cpu(cores: int = 2, points: int = 3, **given: Any) -> HostCpu:
    course = [
        CpuPoint(NOW - back * SECOND, 0.5, 0.3, 0.2, 0.1, 0.0, 1.5, 1.2, 1.0, [core / cores for core in range(cores)])
        for back in reversed(range(points))
    ]
    return HostCpu(cores, given.get("limit"), course[-1], course)


def memory(limit: int | None = None) -> HostMemory:
    point = MemoryPoint(NOW, 8_000_000_000, 2_000_000_000, 3_000_000_000, 6_000_000_000, 0, 0)
    return HostMemory(limit, point, [replace(point, at=NOW - SECOND), point])


def usage(share: float = 0.5) -> HostHistory:
    sample = filled(HostSample, host="trader-01", at=NOW, cpu=share, memory=share, disk=share, cpu_count=2)
    sample = replace(sample, memory_used_bytes=1_000, memory_total_bytes=2_000, disk_total_bytes=500_000_000_000)
    return HostHistory(sample, (HostPoint(NOW, share, share, share),), NOW - timedelta(hours=1), NOW)


def disks(*names: str) -> list[Any]:
    samples = [
        DisksSample(
            NOW - back * SECOND, 100.0 - back, {n: Disk(-1000 * back, -500 * back, -back, 0, None) for n in names}
        )
        for back in (2, 1, 0)
    ]
    return disk_courses(samples)


def interfaces(*names: str) -> list[Any]:
    samples = [
        InterfacesSample(
            NOW - back * SECOND,
            100.0 - back,
            {n: Interface(-2000 * back, -100 * back, -back, 0, n != "gone") for n in names},
        )
        for back in (2, 1, 0)
    ]
    return interface_courses(samples)


def room(mount: str = "/", **given: Any) -> FileSystemState:
    values = {"mount": mount, "device": "/dev/vda", "kind": "ext4", "condition": "ok", "used_share": 0.5}
    return filled(FileSystemState, **(values | given))


def own() -> HostNow:
    sensors = [SensorState("core 0", 55.0, 60.0, 90.0, None, "ok")]
    files = [FilesPoint(NOW, 500, 1000)]
    return HostNow(
        "here", usage(0.77), cpu(), memory(), files, [room("/live")], disks("live"), interfaces("live0"), sensors
    )


def away(name: str, scope: Scope = SCOPE, **stored: Any) -> dict[str, Any]:
    """A panel while the database is away, with this process's own samples; what was read before is `stored`."""
    panel = PANELS[name]
    lost = Freshness(State.UNREACHABLE, None, NOW, 15.0, since=NOW - timedelta(minutes=2))
    answers = {
        read.name: answer(own()) if read is host_now.READ else Answer(stored.get(read.name), lost, "the server is gone")
        for read in panel.reads
    }
    members: dict[str, Any] = json.loads(b"{" + PanelEncoder([panel]).encode(name, answers, scope) + b"}")
    assert "broken" not in members
    return members


@pytest.mark.parametrize("name", sorted(MACHINE))
def test_every_panel_of_the_machine_goes_on_from_live_samples_and_says_so(name: str) -> None:
    before = {host_history.READ.name: usage(0.11)}
    for stored in ({}, before):
        members = away(name, **stored)
        assert members["subtitle"] == "live samples · no database for 2 m 00 s"
        assert "figure" in members or any(word in words(members) for word in ("live", "77.0", "core 0"))
        assert "11.0" not in words(members)


def test_a_past_moment_is_never_answered_by_the_present() -> None:
    past = Scope(accounts=("A",), as_of=NOW).resolved(NOW)
    members = away("cpu", past)
    assert "No samples" in words(members)
    assert "live" not in members["subtitle"]


def test_of_a_machine_that_can_be_asked_the_stored_samples_are_shown() -> None:
    members = drawn("cpu", (host_history.READ, usage(0.11)), (host_now.READ, own()))
    assert "11.0" in words(members)
    assert members["subtitle"] == "% of all cores · 3M"


def test_the_band_says_how_the_machine_is_and_measures_against_a_containers_limits() -> None:
    given: list[tuple[Read[Any], Any]] = [
        (host_history.READ, usage()),
        (host_cpu.READ, cpu(limit=1.5)),
        (host_memory.READ, memory(limit=2_000)),
        (host_files.READ, host_files.HostFiles(40, FilesPoint(NOW, 1234, None), [])),
    ]
    said = words(drawn("machine", *given))
    for expected in (
        "CPU 50.0% of the container's 1.5 cores",
        "Load, 1 min 1.50 5 and 15 min: 1.20 · 1.00",
        "of the container",
        "Swap — none",
        "Open files 1,234 40 of the suite",
    ):
        assert expected in said


@pytest.mark.parametrize("cores", [1, 2, 64, 256])
def test_the_map_of_cores_has_a_row_for_each_and_stays_small(cores: int) -> None:
    members = drawn("cpu_cores", (host_cpu.READ, cpu(cores, points=200)))
    (trace,) = members["figure"]["data"]
    assert len(trace["z"]) == len(trace["y"]) == cores
    assert len(trace["x"]) == 60
    assert len(members["figure"]["layout"]["yaxis"]["tickvals"]) <= 16
    assert len(json.dumps(members)) < 100_000


def test_a_core_that_was_not_known_leaves_a_gap() -> None:
    known = cpu(2)
    points = [replace(point, core_share=[None, 0.5]) for point in known.points]
    members = drawn("cpu_cores", (host_cpu.READ, HostCpu(2, None, points[-1], points)))
    assert members["figure"]["data"][0]["z"] == [[None] * 3, [50] * 3]


def test_parts_of_the_processor_stand_on_each_other() -> None:
    members = drawn("cpu_split", (host_cpu.READ, cpu()))
    assert [trace["name"] for trace in members["figure"]["data"]] == ["System", "User", "Waiting for disks", "Stolen"]
    assert "user 30.0% · system 20.0% · waiting 10.0% · stolen 0.0%" in words(members)


def test_a_file_system_says_when_it_is_full_and_what_is_not_known_of_it() -> None:
    full = room("/full", condition="down", used_share=0.99, growth_bytes=1e9, full_seconds=7200.0, inodes_share=0.5)
    said = words(drawn("file_systems", (host_file_systems.READ, [full, room("/new")])))
    assert "/full Full 99.0% of" in said
    assert "2 h 00 m" in said
    assert "/new Room" in said
    assert "—" in said


def test_many_parts_with_long_and_hostile_names_stay_text() -> None:
    names = [HOSTILE, *(f"device-with-a-very-long-name-{number}" for number in range(63))]
    for panel, read, value in (
        ("disk_devices", host_disks.READ, disks(*names)),
        ("network_interfaces", host_network.READ, interfaces(*names)),
        ("file_systems", host_file_systems.READ, [room(name) for name in names]),
        ("temperatures", host_temperatures.READ, [SensorState(name, 1.0, 2.0, None, None, "ok") for name in names]),
    ):
        members = drawn(panel, (read, value))
        assert HOSTILE in words(members)
        assert len(words(members)) > 1000


def test_an_interface_that_is_down_says_so_and_losses_are_counted() -> None:
    said = words(drawn("network_interfaces", (host_network.READ, interfaces("eth0", "gone"))))
    assert "eth0 2.00 kB/s 100 B/s 2 0" in said
    assert "gone down" in said


def test_a_machine_without_sensors_says_why() -> None:
    members = drawn("temperatures", (host_temperatures.READ, []), (host_cpu.READ, cpu()))
    assert "No temperature sensors" in words(members)
    assert "No samples" in words(drawn("temperatures"))


def test_processes_tell_what_they_take_and_why_something_is_not_known() -> None:
    rows = [
        filled(processes.ProcessState, name=HOSTILE, service="worker", cpu_share=0.034, rss_bytes=5_000_000, pid=7),
        filled(processes.ProcessState, name="postgres", pid=8),
    ]
    total = processes.ProcessTotal(120, 4, 0.5, 0.25, 9_000_000)
    members = drawn("processes?sort=-rss_bytes", (processes.READ, Paged(rows, 120, 20, 0, total)))
    said = words(members)
    assert f"{HOSTILE} worker 7 3.4 5.00 MB" in said
    assert "1–2 of 120" in said
    assert members["subtitle"] == "120 sampled · 4 of the suite: 25.0% of one core, 9.00 MB"


@pytest.mark.parametrize("name", ["cpu_split", "load", "memory_use", "open_files", "disk_rates", "network_rates"])
def test_one_point_is_drawn_without_an_error(name: str) -> None:
    one: dict[str, Callable[[], Any]] = {
        "cpu_split": lambda: (host_cpu.READ, cpu(points=1)),
        "load": lambda: (host_cpu.READ, cpu(points=1)),
        "memory_use": lambda: (host_memory.READ, HostMemory(None, memory().latest, memory().points[:1])),
        "open_files": lambda: (
            host_files.READ,
            host_files.HostFiles(None, FilesPoint(NOW, 5, 10), [FilesPoint(NOW, 5, 10)]),
        ),
        "disk_rates": lambda: (host_disks.READ, disks("vda")),
        "network_rates": lambda: (host_network.READ, interfaces("lo", "eth0")),
    }
    assert drawn(name, one[name]())["figure"]["data"]
