"""A container's limits are found in every place that kernels write them to, and everything is measured against them."""

from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from main.monitoring import control_group
from main.monitoring.collectors import host, parts
from main.monitoring.collectors.host import HostCollector
from main.monitoring.collectors.parts import PartsCollector
from main.monitoring.control_group import Limits, limits

GB = 1_000_000_000


def group(folder: Path, own: str, files: Mapping[str, str]) -> Limits:
    """The limits of a process whose control groups are `files` below a root."""
    (folder / "own").write_text(own)
    for name, said in files.items():
        place = folder / "root" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(said)
    return limits(folder / "root", folder / "own")


def test_version_two_in_a_container_sees_its_group_as_the_root(tmp_path: Path) -> None:
    found = group(
        tmp_path,
        "0::/\n",
        {
            "memory.max": f"{2 * GB}\n",
            "memory.current": f"{GB}\n",
            "memory.stat": f"anon 1\ninactive_file {GB // 4}\n",
            "cpu.max": "150000 100000\n",
            "cpu.stat": "usage_usec 5000000\nuser_usec 1\n",
        },
    )
    assert found == Limits(2 * GB, GB - GB // 4, 1.5, 5.0)


def test_the_tightest_limit_on_the_way_up_counts(tmp_path: Path) -> None:
    found = group(
        tmp_path,
        "0::/outer/inner\n",
        {
            "outer/memory.max": f"{GB}\n",
            "outer/memory.current": "500\n",
            "outer/cpu.max": "50000 100000\n",
            "outer/cpu.stat": "usage_usec 2000000\n",
            "outer/inner/memory.max": "max\n",
            "outer/inner/memory.current": "100\n",
            "outer/inner/cpu.max": "max 100000\n",
            "outer/inner/cpu.stat": "usage_usec 1000000\n",
        },
    )
    assert found == Limits(GB, 500, 0.5, 2.0)


def test_version_one_has_a_folder_for_each_controller(tmp_path: Path) -> None:
    found = group(
        tmp_path,
        "4:memory:/docker/abc\n3:cpuacct:/docker/abc\n2:cpu,cpuset:/docker/abc\n",
        {
            "memory/docker/abc/memory.limit_in_bytes": f"{GB}",
            "memory/docker/abc/memory.usage_in_bytes": "700",
            "memory/docker/abc/memory.stat": "total_inactive_file 200\n",
            "cpu/docker/abc/cpu.cfs_quota_us": "200000",
            "cpu/docker/abc/cpu.cfs_period_us": "100000",
            "cpuacct/docker/abc/cpuacct.usage": "3000000000",
        },
    )
    assert found == Limits(GB, 500, 2.0, 3.0)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"memory.max": "max", "memory.current": "1", "cpu.max": "max 100000"},
        {"memory/memory.limit_in_bytes": "9223372036854771712", "memory/memory.usage_in_bytes": "1"},
        {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
        {"memory.max": "garbage", "memory.current": "", "cpu.max": "what is this"},
    ],
    ids=["no groups", "unlimited", "unlimited, version 1", "no quota, version 1", "garbage"],
)
def test_without_a_limit_there_is_none(tmp_path: Path, files: Mapping[str, str]) -> None:
    assert group(tmp_path, "1:memory,cpu:/\n0::/\n", files) == Limits()


def test_a_system_without_control_groups_has_no_limits(tmp_path: Path) -> None:
    assert limits(tmp_path / "none", tmp_path / "nothing") == Limits()


def test_memory_and_processor_are_measured_against_the_containers_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter((10.0, 10.25))
    clock = iter((100.0, 101.0))
    monkeypatch.setattr(host, "limits", lambda: Limits(1000, 400, 0.5, next(used)))
    monkeypatch.setattr(host, "monotonic", lambda: next(clock))
    monkeypatch.setattr(parts, "limits", lambda: Limits(1000, 400, 0.5, 10.0))
    collector = HostCollector(Path.cwd())
    assert collector.sample().cpu_percent is None
    sample = collector.sample()
    assert sample.cpu_percent == pytest.approx(50), "a quarter of a second of the half that it may use"
    assert (sample.memory_used_bytes, sample.memory_total_bytes) == (400, 1000)
    told = PartsCollector(Path.cwd()).sample()
    assert (told.memory.limit_bytes, told.memory.total_bytes, told.memory.available_bytes) == (1000, 1000, 600)
    assert told.cpu.limit_cores == 0.5


def test_a_limit_beyond_the_machine_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    total = psutil.virtual_memory().total
    monkeypatch.setattr(parts, "limits", lambda: Limits(2 * total, 5))
    monkeypatch.setattr(host, "limits", lambda: Limits(2 * total, 5))
    assert PartsCollector(Path.cwd()).sample().memory.limit_bytes is None
    assert HostCollector(Path.cwd()).sample().memory_total_bytes == total
    assert control_group.ROOT.name == "cgroup"


def test_a_machine_that_hides_its_sensors_and_counters_is_sampled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "disk_io_counters", lambda **_: None)
    monkeypatch.setattr(psutil, "sensors_temperatures", dict)
    monkeypatch.setattr(psutil, "net_io_counters", lambda **_: {})
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [])
    found = PartsCollector(Path("/no/such/folder")).sample()
    assert (found.disks.disks, found.interfaces.interfaces, found.temperatures.temperatures) == ({}, {}, {})
    assert "/" in found.file_systems.file_systems
