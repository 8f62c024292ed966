"""PostgreSQL servers that tests may stop, freeze and fail over: of the embedded version and of the distribution."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import asyncpg
import psutil
import pytest

from main.database.address import Address
from main.database.embedded_home import SYSTEM_DIR
from main.database.migrate import migrate
from main.database.postgres_binaries import copied_binaries, installed_binaries
from tests.memory import quick_folder
from tests.running import free_ports

VERSIONS = ("embedded", "debian")
TEMPLATE = "migrated"


@cache
def distribution_programs() -> Path | None:
    """Return the folder of the distribution's oldest PostgreSQL programs, installing them where we are root."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not installed and os.geteuid() == 0 and shutil.which("apt-get"):
        lock = Path(tempfile.gettempdir()) / "ai-trader-tests-apt.lock"
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)  # xdist's workers come here at the same time
            quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "postgresql"]):
                subprocess.run(command, env=quiet, check=False, capture_output=True, timeout=600)
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return installed[0].parent if installed else None


def programs_of(version: str) -> tuple[Path, str]:
    """Return the programs of a version and the account they run under as root; skip the test where there are none."""
    if version == "embedded":
        binaries = installed_binaries(None)
        if os.geteuid() == 0:
            binaries = copied_binaries(binaries, SYSTEM_DIR / "binaries")
        return binaries.folder / "bin", "nobody"
    programs = distribution_programs()
    if programs is None:
        pytest.skip("no PostgreSQL of the distribution here, and not root to install one")
    return programs, "postgres"


@dataclass
class Server:
    """One throw-away cluster. `address` names its superuser ``postgres``."""

    programs: Path
    account: str
    folder: Path
    port: int
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.port, "postgres", "postgres", tls="disable")

    def run(self, program: str, *arguments: str, timeout: float = 60) -> None:
        as_owner: dict[str, object] = {"user": self.account} if os.geteuid() == 0 else {}
        subprocess.run(
            [str(self.programs / program), *arguments],
            check=True,
            capture_output=True,
            timeout=timeout,
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            **as_owner,  # type: ignore[call-overload]
        )

    def create(self) -> None:
        """Make the empty cluster."""
        self.run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8")

    def start(self) -> None:
        chosen = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "max_wal_senders": "4",
            "shared_buffers": "16MB",
        } | self.settings
        options = f"-p {self.port} " + " ".join(f"-c {name}={value}" for name, value in chosen.items())
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.data), "-w", "-l", log, "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it if it runs: ``fast``, or ``immediate`` for a crash."""
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def promote(self) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def standby(self, port: int) -> "Server":
        """Return a streaming standby of this server, not yet started."""
        folder = Path(tempfile.mkdtemp(prefix="pg-standby-"))
        folder.chmod(0o777)
        copy = Server(self.programs, self.account, folder, port, self.settings)
        arguments = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-D", str(copy.data))
        self.run("pg_basebackup", *arguments, "-R", "-X", "stream", "-c", "fast", "--no-sync")
        return copy

    def processes(self) -> list[psutil.Process]:
        """The postmaster first, then whatever it has started."""
        postmaster = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        return [postmaster, *postmaster.children(recursive=True)]

    def freeze(self) -> None:
        """Stop the postmaster and all its processes; the kernel goes on accepting connections for them."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if (self.data / "postmaster.pid").exists():
            for process in self.processes():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def disposable_server(version: str, **settings: str) -> Iterator[Server]:
    """Run a cluster of a version for as long as the context is open."""
    programs, account = programs_of(version)
    folder = quick_folder(f"pg-{version}-{uuid.uuid4().hex[:12]}")
    folder.chmod(0o777)
    server = Server(programs, account, folder, free_ports(1)[0], settings)
    try:
        server.create()
        server.start()
        yield server
    finally:
        with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess, ValueError):
            server.thaw()
        with contextlib.suppress(subprocess.SubprocessError):
            server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def debian_server(**settings: str) -> Iterator[Server]:
    """Run a cluster of the distribution's PostgreSQL; skip the test where it cannot be had."""
    with disposable_server("debian", **settings) as server:
        yield server


async def migrated_template(server: Address) -> None:
    """Have a migrated database that those of the tests are copies of."""
    admin = await asyncpg.connect(**server.connect_arguments(), timeout=10, command_timeout=60)
    try:
        if not await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", TEMPLATE):
            await admin.execute(f"CREATE DATABASE {TEMPLATE}")
            await migrate(replace(server, database=TEMPLATE))
    finally:
        await admin.close()


@contextlib.asynccontextmanager
async def fresh_database(server: Address, template: str = TEMPLATE) -> AsyncIterator[Address]:
    """A copy of a migrated database, dropped afterwards where the server lets itself be asked."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    admin = await asyncpg.connect(**server.connect_arguments(), timeout=10, command_timeout=30)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    await admin.close()
    try:
        yield replace(server, database=name)
    finally:
        with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError):
            admin = await asyncpg.connect(**server.connect_arguments(), timeout=2, command_timeout=10)
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await admin.close()


@pytest.fixture(scope="session")
def debian() -> Iterator[Server]:
    """One server of the distribution for all tests that only ask it something."""
    with debian_server() as server:
        asyncio.run(migrated_template(server.address))
        yield server


@pytest.fixture(params=VERSIONS)
def each_template(request: pytest.FixtureRequest) -> tuple[Address, str]:
    """A server of each version, and the name of its migrated database."""
    if request.param == "embedded":
        return request.getfixturevalue("server"), request.getfixturevalue("template")
    return request.getfixturevalue("debian").address, TEMPLATE


@pytest.fixture
async def each_postgres(each_template: tuple[Address, str]) -> AsyncIterator[Address]:
    """A migrated fresh database, once on the embedded version and once on the distribution's."""
    async with fresh_database(*each_template) as address:
        yield address


@pytest.fixture(params=VERSIONS, scope="module")
def own_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of each version for the tests of one module, to be frozen, exhausted and restarted."""
    with disposable_server(request.param, max_connections="20", superuser_reserved_connections="3") as server:
        asyncio.run(migrated_template(server.address))
        yield server


@pytest.fixture
async def own_database(own_server: Server) -> AsyncIterator[Address]:
    """A migrated fresh database on the module's own server, which is thawed and up again afterwards."""
    async with fresh_database(own_server.address) as address:
        try:
            yield address
        finally:
            if not (own_server.data / "postmaster.pid").exists():
                own_server.start()
            own_server.thaw()
