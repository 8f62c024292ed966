"""How is the embedded PostgreSQL's data folder made and configured?"""

import contextlib
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from main.database.embedded_home import EmbeddedHome
from main.database.postgres_binaries import PostgresBinaries
from main.database.postmaster import orphans, wait_until_gone
from main.errors import EmbeddedDatabaseError

DATABASE = "ai_trader"
USER = "ai_trader"
_PROGRAM_TIMEOUT_SECONDS = 300.0  # initdb takes 0.5 s; this bounds a hung disk

ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
"""All the server's processes inherit: our own environment may hold passwords."""

_SETTINGS = """\
# Written by AI Trader at every start. Put settings of your own into custom.conf beside this file.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = {socket}
unix_socket_permissions = 0700
hba_file = {access}
password_encryption = 'scram-sha-256'
max_connections = 100
max_locks_per_transaction = 256     # partitioned tables take one lock a partition
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
cluster_name = 'ai-trader'
logging_collector = on
log_directory = {log}
log_filename = 'postgresql-%a.log'  # one file a weekday, overwritten a week later
log_rotation_age = '1d'
log_rotation_size = 0
log_truncate_on_rotation = on
log_checkpoints = off
log_line_prefix = '%m [%p] %q%u@%d '
fsync = {durable}
full_page_writes = {durable}
include_if_exists = 'custom.conf'
"""

_ACCESS = """\
# Written by AI Trader at every start.
local   all   all                  scram-sha-256
host    all   all   127.0.0.1/32   scram-sha-256
"""


_CUSTOM = "# Settings of your own: what stands here wins over postgresql.conf beside it.\n"


def existing_major(home: EmbeddedHome) -> int | None:
    """Return the major version that made the cluster, or ``None`` when there is none yet."""
    file = home.cluster / "PG_VERSION"
    try:
        return int(file.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise EmbeddedDatabaseError(
            f"{file} does not name a version ({error}): restore {home.cluster} from a backup, "
            "or move it away to start empty"
        ) from error


def remove_unfinished(home: EmbeddedHome) -> None:
    """Remove what a start that was killed while it made the cluster left behind; its programs may still run."""
    for leftover in home.path.glob("unfinished-*"):
        for orphan in orphans(leftover):
            with contextlib.suppress(psutil.NoSuchProcess):
                orphan.kill()
            wait_until_gone(orphan, 5.0)
        shutil.rmtree(leftover, ignore_errors=True)  # initdb may be removing it too; the next start tries again


def create_cluster(home: EmbeddedHome, binaries: PostgresBinaries, *, durable: bool) -> None:
    """Make an empty cluster with the login role and the database; all or nothing, also when killed in between."""
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=home.path))
    try:
        home.hand_over(unfinished)
        command = [
            str(binaries.program("initdb")),
            f"--pgdata={unfinished}",
            f"--username={USER}",
            "--encoding=UTF8",
            "--locale-provider=builtin",  # sorts the same on every machine, unlike the C library's locales
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--data-checksums",
            "--auth=reject",  # the real rules are written at each start
            "--no-instructions",
            *([] if durable else ["--no-sync", "--wal-segsize=1"]),  # tests make many: 15 MB less to write for each
        ]
        _run(home, command)
        _execute(home, binaries, unfinished, f"CREATE DATABASE {DATABASE}", durable=durable)
        _set_password(home, binaries, unfinished, durable=durable)
        unfinished.rename(home.cluster)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def ensure_password(home: EmbeddedHome, binaries: PostgresBinaries, *, durable: bool) -> None:
    """Give the login role a new password when the file that held it is lost; the server must be stopped."""
    if not home.password.is_file():
        _set_password(home, binaries, home.cluster, durable=durable)


def configure(home: EmbeddedHome, port: int, *, durable: bool) -> list[str]:
    """Write the server's settings and access rules for `port`; return the server's arguments."""
    settings, access, custom = (home.path / name for name in ("postgresql.conf", "pg_hba.conf", "custom.conf"))
    text = _SETTINGS.format(
        port=port,
        socket=_quoted('"' + str(home.socket).replace('"', '""') + '"'),  # a list: a comma would separate
        access=_quoted(str(access)),
        log=_quoted(str(home.log)),
        durable="on" if durable else "off",
    )
    home.write(settings, text, 0o644)  # no secrets in these, and the server's account must read them
    home.write(access, _ACCESS, 0o644)
    if not custom.exists():
        home.write(custom, _CUSTOM, 0o644)
    return ["-D", str(home.cluster), "-c", f"config_file={settings}"]


def _set_password(home: EmbeddedHome, binaries: PostgresBinaries, cluster: Path, *, durable: bool) -> None:
    password = secrets.token_urlsafe(32)  # its alphabet needs no quoting
    _execute(home, binaries, cluster, f"ALTER ROLE {USER} PASSWORD '{password}'", durable=durable)
    home.write(home.password, password, 0o600)


def _execute(home: EmbeddedHome, binaries: PostgresBinaries, cluster: Path, statement: str, *, durable: bool) -> None:
    """Run a statement without a server, in PostgreSQL's single-user mode."""
    command = [str(binaries.program("postgres")), "--single", "-D", str(cluster)]
    for setting in ("exit_on_error=on", "log_min_error_statement=panic", f"fsync={'on' if durable else 'off'}"):
        command += ["-c", setting]
    _run(home, [*command, "postgres"], statement + "\n")


def _run(home: EmbeddedHome, command: Sequence[str], text: str = "") -> None:
    try:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=home.path,
            env=ENVIRONMENT,
            umask=0o077,
            start_new_session=True,  # Ctrl-C ends us at a point of our choosing, not a half-made cluster
            timeout=_PROGRAM_TIMEOUT_SECONDS,
            check=False,
            **home.account.process_arguments(),
        )
    except subprocess.TimeoutExpired as error:
        raise EmbeddedDatabaseError(
            f"{command[0]} did not finish within {error.timeout:.0f} s in {home.path}: is the disk answering?"
        ) from error
    if done.returncode != 0:
        raise failure(f"cannot create the embedded database in {home.path}", done.stderr, home)


def failure(what: str, told: str, home: EmbeddedHome) -> EmbeddedDatabaseError:
    """Return the error for what PostgreSQL told, with the fix its words call for."""
    if "No space left on device" in told or "Disk quota exceeded" in told:
        fix = f"free some space on the disk that holds {home.path}, or set AI_TRADER_DATA_DIR to another one"
    elif "Permission denied" in told or "Read-only file system" in told:
        fix = f"make {home.path} writable for uid {home.account.uid}, or set AI_TRADER_DATA_DIR to another folder"
    elif "user does not exist" in told:
        fix = "PostgreSQL needs an account with a name: add one for this uid, or set DB_HOST to use your own PostgreSQL"
    else:
        fix = f"its log is in {home.log}; or set DB_HOST to use your own PostgreSQL"
    lines = [line for line in told.strip().splitlines() if line.strip()]
    return EmbeddedDatabaseError("\n  ".join([f"{what}: {fix}", *lines[-12:]]))


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
