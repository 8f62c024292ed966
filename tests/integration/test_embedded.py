"""Does the embedded PostgreSQL start, is it shared, does it stop, and does it survive what users and kernels do?"""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.embedded_home import SYSTEM_DIR, Account, locate
from main.database.postgres_binaries import installed_binaries
from main.database.postmaster import Postmaster, is_alive, orphans
from main.errors import EmbeddedDatabaseError

SOURCE = Path(__file__).parents[2] / "src"
IS_ROOT = os.geteuid() == 0
STRANGER = pwd.getpwnam("daemon").pw_uid  # an unprivileged account: PostgreSQL insists on one with a name

needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root: starts processes as other accounts")

USER = """
import os
import signal
import sys
from pathlib import Path
from main.database.embedded import EmbeddedServer
from main.errors import EmbeddedDatabaseError

signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\\n"))
if len(sys.argv) > 2:  # only now: the interpreter itself may lie in root's closed home
    os.setgroups([])
    os.setgid(int(sys.argv[2]))
    os.setuid(int(sys.argv[2]))
try:
    lease = EmbeddedServer(Path(sys.argv[1]), durable=False).acquire()
except EmbeddedDatabaseError as error:
    sys.exit(f"refused: {error}")
print("acquired", lease.address.port, flush=True)
sys.stdin.readline()
lease.release()
print("released", flush=True)
"""


class User:
    """Another process that holds a lease until told to leave."""

    def __init__(self, data_dir: Path, *account: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(data_dir), *map(str, account)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(SOURCE), "PATH": os.environ["PATH"], "SECRET_KEY": "canary-7f3a"},
            start_new_session=True,
        )

    def hears(self, word: str) -> str:
        assert self.process.stdout is not None
        line: str
        for line in self.process.stdout:
            if line.startswith(word):
                return line.removeprefix(word).strip()
        assert self.process.stderr is not None
        raise AssertionError(f"the user ended without {word!r}: {self.process.stderr.read()}")

    def leave(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("leave\n")
        self.process.stdin.flush()
        self.hears("released")
        self.process.wait(10)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def close(self) -> None:
        self.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder every account can enter (pytest's own are closed), with whatever runs in it ended afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="embedded-"))
    folder.chmod(0o755)
    yield folder
    clear(folder)


@pytest.fixture
def user(data_dir: Path) -> Iterator[Callable[..., User]]:
    users: list[User] = []

    def start(*account: int) -> User:
        users.append(User(data_dir, *account))
        return users[-1]

    yield start
    for each in users:
        each.close()


def clear(folder: Path) -> None:
    home = locate(folder)
    postmaster = Postmaster.find(home.cluster)
    if postmaster is not None:
        postmaster.stop(10)
    for orphan in orphans(home.cluster):  # a test that failed must not leave a busy process behind
        orphan.kill()
    for each in (home.path, home.socket, folder):
        shutil.rmtree(each, ignore_errors=True)


def server_of(folder: Path) -> psutil.Process:
    postmaster = Postmaster.find(locate(folder).cluster)
    assert postmaster is not None, "no server runs"
    return postmaster.process


def ask(address: Address, sql: str) -> Any:
    async def fetch() -> Any:
        connection = await asyncpg.connect(**address.connect_arguments(), timeout=10, command_timeout=10)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def embedded(folder: Path) -> EmbeddedServer:
    return EmbeddedServer(folder, durable=False)


def test_the_first_user_starts_a_server_that_answers_and_the_last_stops_it(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir)
    assert server.running() is None
    with server.acquire() as lease:
        assert server.running() == lease.address
        assert ask(lease.address, "SELECT current_user || '@' || current_database()") == "ai_trader@ai_trader"
        assert lease.version == ask(lease.address, "SHOW server_version")
        for setting, value in {
            "server_encoding": "UTF8",
            "TimeZone": "UTC",
            "data_checksums": "on",
            "fsync": "on",
        }.items():
            assert ask(lease.address, f"SHOW {setting}") == value
        process = server_of(data_dir)
    assert not is_alive(process)
    assert server.running() is None
    lease.release()  # a second time changes nothing


def test_the_password_is_required_on_both_ways_in_and_shown_nowhere(data_dir: Path) -> None:
    with embedded(data_dir).acquire() as lease:
        home, address = locate(data_dir), lease.address
        assert home.password.stat().st_mode & 0o777 == 0o600
        assert address.password is not None
        for host in (address.host, str(home.socket)):
            wrong = Address(host, address.port, address.database, address.user, "wrong")
            with pytest.raises(asyncpg.InvalidPasswordError):
                ask(wrong, "SELECT 1")
            right = Address(host, address.port, address.database, address.user, address.password)
            assert ask(right, "SELECT 1") == 1
        assert address.password not in repr(address) + str(address)
        assert address.password not in " ".join(server_of(data_dir).cmdline())
        logs = [*home.log.glob("*.log"), home.startup_log]
        assert all(address.password not in file.read_text() for file in logs)


def test_two_processes_share_one_server_and_the_last_one_out_stops_it(
    data_dir: Path, user: Callable[..., User]
) -> None:
    first, second = user(), user()
    ports = {first.hears("acquired"), second.hears("acquired")}
    assert len(ports) == 1
    process = server_of(data_dir)
    first.leave()
    address = embedded(data_dir).running()
    assert address is not None
    assert ask(address, "SELECT 1") == 1
    second.leave()
    assert not is_alive(process)


def test_a_killed_user_neither_stops_the_server_for_others_nor_keeps_it_running(
    data_dir: Path, user: Callable[..., User]
) -> None:
    killed, other = user(), user()
    killed.hears("acquired")
    other.hears("acquired")
    process = server_of(data_dir)
    killed.kill()
    address = embedded(data_dir).running()
    assert address is not None
    assert ask(address, "SELECT 1") == 1
    other.leave()
    assert not is_alive(process)


def test_after_kill_9_of_the_postmaster_the_next_user_brings_it_back_with_its_data(data_dir: Path) -> None:
    server = embedded(data_dir)
    with server.acquire() as first:
        ask(first.address, "CREATE TABLE kept (n int)")
        ask(first.address, "INSERT INTO kept VALUES (42)")
        lost = server_of(data_dir)
        lost.kill()
        until(lambda: not is_alive(lost))
        assert server.running() is None
        with server.acquire() as second:
            assert second.address == first.address
            assert ask(first.address, "SELECT n FROM kept") == 42
            assert server_of(data_dir).pid != lost.pid
        assert server.running() is not None  # the first lease holds the new server too
    assert server.running() is None


def test_a_query_that_outlives_a_killed_postmaster_does_not_hinder_the_next_start(data_dir: Path) -> None:
    with embedded(data_dir).acquire() as lease:
        address = lease.address
        psql = str(installed_binaries().program("psql"))
        command = [psql, "-h", address.host, "-p", str(address.port), "-U", address.user, address.database]
        busy = subprocess.Popen(
            [*command, "-c", "DO $$ BEGIN LOOP END LOOP; END $$"],
            env={"PGPASSWORD": address.password or ""},
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: ask(address, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %'") == 1)
            lost = server_of(data_dir)
            lost.kill()
            until(lambda: not is_alive(lost))
            with embedded(data_dir).acquire(timeout=20) as again:
                assert ask(again.address, "SELECT 1") == 1
            assert busy.wait(10) != 0
        finally:
            busy.kill()
            busy.wait(10)


def test_a_stale_pid_file_whose_number_another_process_bears_is_no_server(data_dir: Path) -> None:
    server, home = embedded(data_dir), locate(data_dir)
    server.acquire().release()
    with subprocess.Popen(["sleep", "60"], **home.account.process_arguments()) as bearer:
        try:
            port = 15999
            lines = [bearer.pid, home.cluster, int(time.time()), port, home.socket, "127.0.0.1", "0 0", "ready"]
            (home.cluster / "postmaster.pid").write_text("\n".join(map(str, lines)) + "\n")
            for name in (".s.PGSQL.15999.lock", f".s.PGSQL.{remembered_port(server)}.lock"):
                (home.socket / name).write_text(f"{bearer.pid}\n{home.cluster}\n")
            assert server.running() is None
            with server.acquire() as lease:
                assert ask(lease.address, "SELECT 1") == 1
                assert server_of(data_dir).pid != bearer.pid
            assert bearer.poll() is None  # and it was not taken for a server to be stopped
        finally:
            bearer.kill()


def remembered_port(server: EmbeddedServer) -> int:
    with server.acquire() as lease:
        return lease.address.port


def test_ctrl_c_at_a_user_does_not_stop_the_server(data_dir: Path, user: Callable[..., User]) -> None:
    interrupted = user()
    interrupted.hears("acquired")
    os.killpg(interrupted.process.pid, signal.SIGINT)
    interrupted.hears("interrupted")
    process = server_of(data_dir)
    assert os.getsid(process.pid) != os.getsid(interrupted.process.pid)
    assert process.ppid() != interrupted.process.pid
    address = embedded(data_dir).running()
    assert address is not None
    assert ask(address, "SELECT 1") == 1
    interrupted.leave()
    assert not is_alive(process)


def test_eight_processes_that_start_first_at_once_make_one_cluster(data_dir: Path, user: Callable[..., User]) -> None:
    users = [user() for _ in range(8)]
    ports = {each.hears("acquired") for each in users}
    assert len(ports) == 1
    process = server_of(data_dir)
    for each in users[:-1]:
        each.leave()
    assert is_alive(process)
    users[-1].leave()
    assert not is_alive(process)
    assert not list(locate(data_dir).path.glob("unfinished-*"))


def test_threads_of_one_process_hold_leases_of_their_own(data_dir: Path) -> None:
    server = embedded(data_dir)
    leases = []
    threads = [threading.Thread(target=lambda: leases.append(server.acquire())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    process = server_of(data_dir)
    for lease in leases[1:]:
        lease.release()
    assert is_alive(process)
    leases[0].release()
    assert not is_alive(process)


def test_a_forked_child_neither_releases_nor_prolongs_its_parents_lease(data_dir: Path) -> None:
    lease = embedded(data_dir).acquire()
    process = server_of(data_dir)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        lease.release()
        os.write(write, b"done")
        signal.pause()
    try:
        assert os.read(read, 4) == b"done"
        assert is_alive(process)
        lease.release()
        assert not is_alive(process)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(read)
        os.close(write)


@needs_root
def test_as_root_the_server_runs_as_nobody_and_inherits_no_secret(data_dir: Path, user: Callable[..., User]) -> None:
    holder = user()
    holder.hears("acquired")
    process = server_of(data_dir)
    nobody = pwd.getpwnam("nobody")
    assert set(process.uids()) == {nobody.pw_uid}
    assert set(process.gids()) == {nobody.pw_gid}
    assert locate(data_dir).path == data_dir / "postgresql"
    assert Path(process.exe()).is_relative_to(SYSTEM_DIR)
    assert "canary-7f3a" not in str(process.environ())
    assert data_dir.stat().st_uid == 0
    holder.leave()


@needs_root
def test_as_root_a_closed_home_is_left_closed_and_the_database_kept_elsewhere(data_dir: Path) -> None:
    closed = data_dir / "root"
    closed.mkdir(mode=0o700)
    requested = closed / "share" / "ai-trader"
    try:
        with embedded(requested).acquire() as lease:
            assert ask(lease.address, "SELECT 1") == 1
            assert locate(requested).path.parent == SYSTEM_DIR
            ask(lease.address, "CREATE TABLE kept ()")
        assert closed.stat().st_mode & 0o777 == 0o700
        closed.chmod(0o755)  # opened later: the database stays where it is
        with embedded(requested).acquire() as lease:
            assert ask(lease.address, "SELECT count(*) FROM kept") == 0
    finally:
        clear(requested)


@needs_root
def test_as_root_a_database_of_an_ordinary_user_goes_on_under_that_users_account(
    data_dir: Path, user: Callable[..., User]
) -> None:
    os.chown(data_dir, STRANGER, STRANGER)
    owner = as_stranger(user)
    owner.leave()
    with embedded(data_dir).acquire() as lease:
        assert ask(lease.address, "SELECT 1") == 1
        assert server_of(data_dir).uids().real == STRANGER
    as_stranger(user).leave()  # and root has left nothing that shuts the owner out


@needs_root
def test_an_ordinary_user_runs_the_server_as_himself_in_a_closed_home(
    data_dir: Path, user: Callable[..., User]
) -> None:
    os.chown(data_dir, STRANGER, STRANGER)
    data_dir.chmod(0o700)
    holder = as_stranger(user)
    process = server_of(data_dir)
    assert set(process.uids()) == {STRANGER}
    home = data_dir / "postgresql"
    assert (home / "cluster" / "PG_VERSION").exists()
    assert (home / "password").stat().st_uid == STRANGER
    assert home.stat().st_mode & 0o777 == 0o700
    holder.leave()
    assert not is_alive(process)


@needs_root
def test_a_folder_that_may_not_be_written_is_one_clear_error(data_dir: Path) -> None:
    refused = refusal_as_stranger(data_dir / "mine")
    assert str(data_dir) in refused
    assert "Permission denied" in refused
    assert "AI_TRADER_DATA_DIR" in refused
    assert "Traceback" not in refused


@needs_root
def test_a_database_of_another_account_is_one_clear_error_that_does_not_tell_to_remove_it(data_dir: Path) -> None:
    embedded(data_dir).acquire().release()
    refused = refusal_as_stranger(data_dir)
    assert "start as the user that made it" in refused
    assert "Traceback" not in refused


@needs_root
def test_a_full_disk_is_one_clear_error_and_leaves_nothing_half_made(data_dir: Path) -> None:
    small = data_dir / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(small)], check=False)
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount a small tmpfs")
    try:
        with pytest.raises(EmbeddedDatabaseError, match="No space left on device") as refused:
            embedded(small).acquire()
        assert "free some space" in str(refused.value)
        assert not list((small / "postgresql").glob("unfinished-*"))
        assert not (small / "postgresql" / "cluster").exists()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_long_path_gets_a_short_socket(data_dir: Path) -> None:
    deep = data_dir / ("a-folder-with-a-long-name-" * 4)
    server = embedded(deep)
    try:
        with server.acquire() as lease:
            through_socket = Address(
                str(locate(deep).socket), lease.address.port, "ai_trader", "ai_trader", lease.address.password
            )
            assert ask(through_socket, "SELECT 1") == 1
    finally:
        clear(deep)


def test_awkward_characters_in_the_path_do_no_harm(data_dir: Path) -> None:
    with embedded(data_dir / 'it\'s, "my" $HOME; `data` \\ é').acquire() as lease:
        assert ask(lease.address, "SELECT 1") == 1


def test_the_port_is_kept_while_it_is_free_and_replaced_when_it_is_taken(data_dir: Path) -> None:
    server = embedded(data_dir)
    port = remembered_port(server)
    assert remembered_port(server) == port
    with socket.create_server(("127.0.0.1", port)), server.acquire() as lease:
        assert lease.address.port != port
        assert ask(lease.address, "SELECT 1") == 1


def test_a_database_of_a_version_that_is_not_installed_is_one_clear_error(data_dir: Path) -> None:
    cluster = locate(data_dir).cluster
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedDatabaseError, match="PostgreSQL 9, which made the existing database"):
        embedded(data_dir).acquire()


def test_a_lost_password_file_is_replaced_at_the_next_start(data_dir: Path) -> None:
    server = embedded(data_dir)
    server.acquire().release()
    locate(data_dir).password.unlink()
    with server.acquire() as lease:
        assert ask(lease.address, "SELECT 1") == 1


def test_a_server_that_does_not_start_tells_why_from_its_own_log(data_dir: Path) -> None:
    server, home = embedded(data_dir), locate(data_dir)
    server.acquire().release()
    (home.path / "custom.conf").write_text("shared_buffers = 'plenty'\n")
    with pytest.raises(
        EmbeddedDatabaseError, match='invalid value for parameter "shared_buffers": "plenty"'
    ) as refused:
        server.acquire()
    assert str(home.log) in str(refused.value)
    (home.path / "custom.conf").write_text("max_connections = 23\n")
    with server.acquire() as lease:
        assert ask(lease.address, "SHOW max_connections") == "23"


def test_a_start_killed_in_the_middle_leaves_nothing_that_stops_the_next(
    data_dir: Path, user: Callable[..., User]
) -> None:
    half = user()
    home = locate(data_dir)
    until(lambda: any(home.path.glob("unfinished-*/base")))
    half.kill()
    with embedded(data_dir).acquire() as lease:
        assert ask(lease.address, "SELECT 1") == 1
    embedded(data_dir).acquire().release()
    assert not list(home.path.glob("unfinished-*"))


def as_stranger(user: Callable[..., User]) -> User:
    require_reachable_binaries()
    holder = user(STRANGER)
    holder.hears("acquired")
    return holder


def refusal_as_stranger(folder: Path) -> str:
    require_reachable_binaries()
    refused = subprocess.run(
        [sys.executable, "-c", USER, str(folder), str(STRANGER)],
        env={"PYTHONPATH": str(SOURCE), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("refused: ")
    return refused.stderr


def require_reachable_binaries() -> None:
    if not Account(STRANGER, STRANGER).can_reach(installed_binaries().folder / "bin"):
        pytest.skip("PostgreSQL's programs are installed where an ordinary user cannot reach them")
