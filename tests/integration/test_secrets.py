"""A password that nobody must see, looked for wherever a running suite writes, while its database refuses it."""

import asyncio
import json
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, quote_plus

import asyncpg
import psutil
import pytest

from main.database.address import Address
from tests.conftest import administrator
from tests.integration.whole_suite import PROCESSES
from tests.quiet import server, template  # noqa: F401 - fixtures: a login that may not grant the roles others made
from tests.running import ROOT, Suite, fetch, until

PASSWORD = "canary-7'b1 \"x@/:%é\\z"
KEY = "canary-key-0b6d31f2a98c4e57a1d2f3806c9be714"
REDIS = "canary-redis-55ee01"
WRONG = "changed by somebody else"
PATHS = ("/livez", "/readyz", "/health", "/status", "/metrics")
PAGES = (
    "/",
    "/api/reads/accounts",
    "/api/reads/nothing",
    "/api/reads/equity?range=nonsense",
    "/nothing",
    "/_dash-layout",
)
COMMANDS = (("config", "check"), ("show", "accounts"), ("dashboards", "start"), ("trade",), ("worker",))


def forms(secret: str) -> set[str]:
    spelt = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}
    return spelt | {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}


SECRETS = {form for secret in (PASSWORD, KEY, REDIS) for form in forms(secret)}


@dataclass
class Outside:
    """A database of our own on a server that is not the suite's, and the role that the suite logs in as."""

    admin: asyncpg.Connection
    address: Address

    async def password(self, password: str) -> None:
        """Change the role's password, and end all its sessions."""
        quoted = password.replace("'", "''")
        await self.admin.execute(f"ALTER ROLE {self.address.user} PASSWORD '{quoted}'")
        await self.admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", self.address.user
        )

    @property
    def url(self) -> str:
        where = f"{self.address.host}:{self.address.port}/{self.address.database}"
        return f"postgresql://{self.address.user}:{quote(PASSWORD, safe='')}@{where}"


@pytest.fixture
async def outside(server: Address) -> AsyncIterator[Outside]:  # noqa: F811
    name = f"secrets_{uuid.uuid4().hex[:12]}"
    admin = await administrator(server)
    try:
        await admin.execute(f"CREATE ROLE {name} LOGIN CREATEROLE")
        await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
        made = Outside(admin, replace(server, database=name, user=name, password=PASSWORD))
        await made.password(PASSWORD)
        yield made
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@contextmanager
def watched(suite: Suite) -> Iterator[None]:
    suite.start("trade", "--enable-monitoring", "--interval", "0.5")
    try:
        suite.wait_until_ready(*PROCESSES)
        yield
    finally:
        suite.stop()


def found_in(text: str | bytes) -> set[str]:
    plain = text if isinstance(text, str) else text.decode(errors="replace")
    return {secret for secret in SECRETS if secret in plain}


def answers(suite: Suite) -> dict[str, bytes]:
    """Everything the five processes answer, pages of errors included."""
    told = {f"{name} {path}": fetch(suite.url(name, path))[1] for name in PROCESSES for path in PATHS}
    for name in ("trading", "system"):
        told |= {f"{name} {path}": fetch(suite.url(name, path), 15)[1] for path in PAGES}
    return told


def assert_nowhere_to_be_seen(suite: Suite) -> None:
    assert {name: found for name, body in answers(suite).items() if (found := found_in(body))} == {}
    lines = []
    for process in psutil.process_iter():
        try:
            lines += process.cmdline()
        except psutil.Error:
            continue
    assert [line for line in lines if found_in(line)] == []
    environments = [member.environ().get("DATABASE_URL", "") for member in suite.members()]
    assert any(map(found_in, environments)), "the search itself finds it where it may be"
    files = [path for path in (suite.folder / "logs").rglob("*") if path.is_file()]
    assert {"manager.log", "trading-dashboard.log", "worker.log", "bot.log"} <= {path.name for path in files}
    assert {path.name: found for path in files if (found := found_in(path.read_bytes()))} == {}
    assert found_in(suite.said()) == set()


def all_refused(suite: Suite) -> bool:
    refused = all(b"degraded" in fetch(suite.url(name, "/health"))[1] for name in ("trading", "system", "worker"))
    return refused and "password authentication failed" in logs(suite)


def logs(suite: Suite) -> str:
    return "".join(path.read_text() for path in (suite.folder / "logs").rglob("*.log"))


@pytest.mark.promise(7)
@pytest.mark.timeout(240)
async def test_no_secret_is_in_argv_command_lines_logs_metrics_or_error_pages_while_the_database_refuses_the_password(
    outside: Outside, tmp_path: Path
) -> None:
    suite = Suite(tmp_path / "suite")
    suite.extra |= {"DATABASE_URL": outside.url, "SECRET_KEY": KEY, "REDIS_URL": f"redis://:{REDIS}@127.0.0.1:1/0"}
    with watched(suite):
        assert_nowhere_to_be_seen(suite)
        await outside.password(WRONG)
        await asyncio.to_thread(until, lambda: all_refused(suite), 60, "the password is refused and everybody says so")
        assert_nowhere_to_be_seen(suite)
        await outside.password(PASSWORD)
        await asyncio.to_thread(suite.wait_until_ready, *PROCESSES)
        pids = {row["service"]: row["pid"] for row in suite.json("manager", "/status")["services"]}
        psutil.Process(pids["trading-dashboard"]).kill()
        await asyncio.to_thread(until, lambda: fetch(suite.url("trading", "/readyz"))[0] == 200, 30, "back again")
        assert_nowhere_to_be_seen(suite)
        written = await rows_of(outside)
    assert len(written) > 5
    assert found_in("\n".join(written)) == set()
    assert_every_line_is_an_event(suite)


async def rows_of(outside: Outside) -> list[str]:
    """What the suite wrote of itself into the database."""
    connection = await asyncpg.connect(**outside.address.connect_arguments(), timeout=5, command_timeout=30)
    try:
        await connection.execute("SET ROLE ai_trader_service")
        tables = ("services", "system_events", "worker_jobs", "dead_letters", "bot_heartbeats")
        return [row[0] for table in tables for row in await connection.fetch(f"SELECT t::text FROM {table} t")]
    finally:
        await connection.close()


def assert_every_line_is_an_event(suite: Suite) -> None:
    for path in (suite.folder / "logs" / "dashboards").glob("*.log"):
        lines = path.read_bytes().split(b"\n")
        assert lines.pop() == b"", path.name
        for line in lines:
            assert {"at", "level", "service", "event"} <= json.loads(line).keys(), line


@pytest.mark.promise(7)
@pytest.mark.parametrize(
    ("arguments", "end"),
    [
        (("show", "accounts"), "@127.0.0.1:1/x"),
        (("db", "status"), "@127.0.0.1:1/x"),
        *(
            (arguments, end)
            for arguments in (
                ("config", "check"),
                ("show", "accounts"),
                ("dashboards", "start"),
                ("trade",),
                ("worker",),
            )
            for end in ("@127.0.0.1:none/x", "@[bad/x")
        ),
    ],
    ids=str,
)
def test_no_command_shows_the_password_of_an_address_that_is_wrong(
    tmp_path: Path, arguments: tuple[str, ...], end: str
) -> None:
    suite = Suite(tmp_path)
    url = f"postgresql://me:{quote(PASSWORD, safe='')}{end}"
    ended = subprocess.run(
        [sys.executable, str(ROOT / "ai_trader.py"), *arguments],
        cwd=tmp_path,
        env=suite.environment | {"DATABASE_URL": url},
        capture_output=True,
        check=False,
        timeout=60,
    )
    told = ended.stdout + ended.stderr
    assert found_in(told) == set(), told
    assert told
