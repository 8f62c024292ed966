"""Faults of every family against a real suite: all is right again, nothing is lost or mislabelled."""

import asyncio
import os
import shutil
import tempfile
from itertools import islice
from pathlib import Path

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.runner import Run
from tests.chaos.schedule import FAMILIES, KINDS, SERVICES, WINDOW_SECONDS, Group, groups, kinds

SECONDS = 30.0
"""Every family comes, however long that takes."""

FIXED_SEED = 15  # four groups of it have something of every family
SEED = int(os.environ.get("CHAOS_SEED", FIXED_SEED))


def first_groups(seed: int, count: int, *, long_form: bool = False, only: tuple[str, ...] = ()) -> list[Group]:
    return list(islice(groups(seed, kinds(long_form=long_form, only=only)), count))


def test_a_seed_gives_the_same_schedule_every_time() -> None:
    assert first_groups(7, 50) == first_groups(7, 50)
    assert first_groups(7, 50)[:20] == first_groups(7, 20)
    assert first_groups(7, 50) != first_groups(8, 50)


def test_every_kind_of_fault_can_be_injected_and_comes() -> None:
    assert set(FAULTS) == {kind.name for kind in KINDS}
    found = {each.kind.name for group in first_groups(1, 200, long_form=True) for each in group.faults}
    assert found == set(FAULTS)


def test_a_run_may_be_of_chosen_faults_only() -> None:
    found = {each.kind.name for group in first_groups(1, 20, only=("kill", "server killed")) for each in group.faults}
    assert found == {"kill", "server killed"}
    with pytest.raises(ValueError, match="no fault earthquake: there are kill"):
        kinds(only=("earthquake",))


@pytest.mark.parametrize("seed", range(20))
def test_a_few_groups_have_something_of_every_family_and_none_twice_at_once(seed: int) -> None:
    seen: set[str] = set()
    for group in first_groups(seed, len(FAMILIES)):
        families = [each.kind.family for each in group.faults]
        assert len(set(families)) == len(families)
        seen.update(families)
    assert seen == set(FAMILIES)


def test_what_is_always_run_has_every_family_soon() -> None:
    soon = first_groups(FIXED_SEED, 4)
    assert {each.kind.family for group in soon for each in group.faults} == set(FAMILIES)
    assert sum(group.seconds for group in soon) < SECONDS


@pytest.mark.parametrize("seed", range(5))
def test_no_service_is_ended_so_often_that_giving_it_up_would_be_right(seed: int) -> None:
    clock, ends = 0.0, {name: [-1000.0] * 3 for name in SERVICES}
    for group in first_groups(seed, 300, long_form=True):
        for each in group.faults:
            if each.kind.name in ("kill", "hang"):
                ends[each.detail].append(clock)
                assert clock - ends[each.detail][-3] >= WINDOW_SECONDS
        clock += group.seconds


@pytest.mark.chaos
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("chaos")
def test_after_every_fault_all_is_right_again_and_nothing_is_lost_doubled_leaked_or_mislabelled(
    run_dir: Path,
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=run_dir))
    folder.chmod(0o755)
    run = Run(folder, SEED, SECONDS)
    print(f"{run.report.replay}\n{run.plan}")  # noqa: T201
    report = asyncio.run(run.go())
    assert not report.failed, f"\n{report.failure()}\n\n{report.summary()}"
    shutil.rmtree(folder)
