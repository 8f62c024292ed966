"""The diagnosis: every trouble has a fix, and no check keeps another from its answer."""

import asyncio
import threading
from pathlib import Path

import asyncpg
import pytest

from main.config import Settings, load_settings
from main.database.address import Address
from main.diagnosis import configuration, installation
from main.diagnosis.clocks import _judged
from main.diagnosis.connections import budget
from main.diagnosis.database_reach import _is_near, _version
from main.diagnosis.examination import Check, examine_all, off_loop
from main.diagnosis.finding import Finding, State, failed, passed, warned
from main.diagnosis.situation import Situation
from main.errors import ConfigurationError
from tests.running import ROOT

CANARY = "correct-horse-battery-staple"


def settings(folder: Path, overrides: dict[str, object] | None = None) -> Settings:
    folders = {"AI_TRADER_DATA_DIR": str(folder / "data"), "AI_TRADER_LOG_DIR": str(folder / "logs")}
    return load_settings(overrides, env=folders, cwd=folder)


def look(situation: Situation, *checks: Check) -> dict[str, Finding]:
    return {each.check: each for each in asyncio.run(examine_all(checks, situation))}


def version(major: int) -> asyncpg.types.ServerVersion:
    return asyncpg.types.ServerVersion(major, 1, 0, "final", 0)


@pytest.mark.parametrize("state", [State.WARN, State.FAIL])
def test_a_trouble_without_a_fix_cannot_be_told(state: State) -> None:
    with pytest.raises(ValueError, match="must say what mends it"):
        Finding("disk", state, "full")


def test_a_check_that_hangs_or_breaks_fails_alone(tmp_path: Path) -> None:
    never = threading.Event()

    def hangs(_: Situation) -> list[Finding]:
        never.wait()
        return []

    async def hangs_on_the_loop(_: Situation) -> list[Finding]:
        await asyncio.Event().wait()
        return []

    async def breaks(_: Situation) -> list[Finding]:
        raise ZeroDivisionError("by none")

    async def cancels(_: Situation) -> list[Finding]:
        raise asyncio.CancelledError

    async def works(_: Situation) -> list[Finding]:
        return [passed("works", "well")]

    found = look(
        Situation(settings(tmp_path)),
        Check("hangs", off_loop(hangs), limit_seconds=0.05),
        Check("hangs on the loop", hangs_on_the_loop, limit_seconds=0.05),
        Check("breaks", breaks),
        Check("cancels", cancels),
        Check("works", works),
    )
    never.set()
    assert [(each.check, each.state) for each in found.values()] == [
        ("hangs", State.FAIL),
        ("hangs on the loop", State.FAIL),
        ("breaks", State.FAIL),
        ("cancels", State.FAIL),
        ("works", State.PASS),
    ]
    assert found["hangs"].seen == "no answer after 0.05 s"
    assert "ZeroDivisionError: by none" in found["breaks"].seen


def test_a_secret_is_never_told(tmp_path: Path) -> None:
    async def talks(_: Situation) -> list[Finding]:
        return [warned("talks", f"the password is {CANARY}", f"DB_PASSWORD={CANARY}")]

    known = settings(tmp_path, {"database.host": "127.0.0.1", "database.password": CANARY})
    (finding,) = look(Situation(known), Check("talks", talks)).values()
    assert CANARY not in finding.seen + finding.fix


def test_what_a_check_needs_and_does_not_have_is_skipped_with_the_reason(tmp_path: Path) -> None:
    async def never(_: Situation) -> list[Finding]:
        raise AssertionError("it must not be asked")

    checks = [Check(needs, never, needs) for needs in ("settings", "database", "schema")]
    without_settings = look(Situation(None), *checks)
    assert {each.state for each in without_settings.values()} == {State.SKIP}
    known = Situation(settings(tmp_path))
    assert {each.seen for each in look(known, *checks[1:]).values()} == {"needs the database"}
    known.address, known.old_schema = Address("nowhere", 1, "d", "u"), "the schema is older than this code"
    told = look(known, checks[2])["schema"]
    assert (told.state, told.fix) == (State.SKIP, "ai_trader.py db migrate")


def test_every_mistake_in_the_settings_is_a_finding_of_its_own_with_what_was_expected(tmp_path: Path) -> None:
    env = {"DB_PORT": "many", "TRADING_DASHBOARD_PORT": "0", "SECRET_KEY": "changeme"}
    with pytest.raises(ConfigurationError) as caught:
        load_settings(env=env, cwd=tmp_path)
    found = configuration.configuration(Situation(None, caught.value.problems))
    assert [each.state for each in found] == [State.FAIL] * 3
    assert {each.fix.partition(":")[0] for each in found} == set(env)
    assert "changeme" not in str(found)


def test_a_strategy_that_does_not_exist_is_a_mistake_too(tmp_path: Path) -> None:
    (finding,) = configuration.configuration(Situation(settings(tmp_path, {"trade.strategy": "get_rich"})))
    assert finding.state == State.FAIL
    assert "get_rich" in finding.seen


def test_the_kept_key_is_judged_and_never_made(tmp_path: Path) -> None:
    known = Situation(settings(tmp_path))
    path = known.known.data_dir / "secret_key"
    assert configuration.signing_key(known)[0].state == State.SKIP
    assert not path.parent.exists()
    key = known.known.signing_key()
    (well,) = configuration.signing_key(known)
    assert well.state == State.PASS
    assert key not in well.seen
    path.chmod(0o644)
    (open_to_all,) = configuration.signing_key(known)
    assert (open_to_all.state, f"chmod 600 {path}" in open_to_all.fix) == (State.FAIL, True)
    path.chmod(0o600)
    path.write_text("weak\n")
    assert configuration.signing_key(known)[0].state == State.FAIL
    strong = settings(tmp_path, {"secret_key": key})
    assert configuration.signing_key(Situation(strong))[0].state == State.PASS


def test_libraries_are_compared_with_the_locked_ones(tmp_path: Path) -> None:
    locked = tmp_path / "requirements.txt"
    here = installation.metadata.version("asyncpg")
    for lines, state, word in (
        (f"asyncpg=={here} \\\n    --hash=sha256:00\n", State.PASS, "1 libraries as locked"),
        (f"asyncpg==0.0.1 ; python_version < '3'\nasyncpg=={here}\n", State.PASS, "1 libraries"),
        ("asyncpg==0.0.1 \\\n    --hash=sha256:00\n", State.WARN, f"asyncpg {here} (locked 0.0.1)"),
        ("not-there==1.0\n", State.FAIL, "missing: not-there"),
        ("not-there==1.0 ; sys_platform == 'win32'\n", State.PASS, ""),
    ):
        locked.write_text(lines)
        (finding,) = installation.packages(Situation(None), locked)
        assert (finding.state, word in finding.seen) == (state, True), finding
    (finding,) = installation.packages(Situation(None), tmp_path / "none.txt")
    assert finding.state == State.SKIP


def test_this_installation_is_as_locked() -> None:
    assert {each.state for each in installation.packages(Situation(None))} <= {State.PASS, State.WARN}
    assert installation.python(Situation(None))[0].state == State.PASS


@pytest.mark.parametrize(
    ("ahead", "state"),
    [(0.4, State.PASS), (-1.9, State.PASS), (2.5, State.WARN), (-30.0, State.WARN), (61.0, State.FAIL)],
)
def test_a_clock_is_judged_by_how_far_off_it_is(ahead: float, state: State) -> None:
    told = _judged("clock", "this machine", ahead, within=0.001)
    assert told.state == state
    assert ("ahead of" if ahead > 0 else "behind") in told.seen


def test_a_slow_answer_does_not_make_a_clock_wrong() -> None:
    assert _judged("clock", "this machine", 3.0, within=1.5).state == State.PASS


@pytest.mark.parametrize(("major", "state"), [(14, State.FAIL), (15, State.PASS), (18, State.PASS), (19, State.WARN)])
def test_versions_15_to_18_are_right(major: int, state: State) -> None:
    assert _version(version(major)).state == state


@pytest.mark.parametrize(
    ("host", "near"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("/run/postgresql", True), ("10.0.0.7", False)],
)
def test_only_this_machine_is_near(host: str, near: bool) -> None:
    assert _is_near(Address(host, 5432, "d", "u")) is near


def test_the_budget_of_connections_is_the_documented_one(tmp_path: Path) -> None:
    assert f"= {budget(settings(tmp_path))} connections" in (ROOT / "docs" / "database.md").read_text()
    assert budget(settings(tmp_path, {"database.pool_size": "20"})) == budget(settings(tmp_path)) + 2 * 12


def test_findings_are_made_by_name() -> None:
    assert failed("a", "b", "c") == Finding("a", State.FAIL, "b", "c")
