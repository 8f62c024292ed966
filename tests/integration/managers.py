"""A real manager over stand-in services, in a process of its own that a test may kill, stop and flood."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from main.database.address import Address
from tests.integration.processes import HERE, program, status
from tests.running import fetch, free_ports, until

CANARY = "canary-Zx81-not-to-be-seen"


def stand_in(port: int, mark: str, *extra: str) -> list[str]:
    """Return the command line of a service that misbehaves as its options say."""
    return [sys.executable, str(HERE / "stand_in_service.py"), "--port", str(port), "--mark", mark, *extra]


def environment(address: Address, folder: Path, port: int) -> dict[str, str]:
    """Return the settings of a manager that listens on `port`."""
    return {
        "DB_HOST": address.host,
        "DB_PORT": str(address.port),
        "DB_NAME": address.database,
        "DB_USER": address.user,
        "DB_PASSWORD": address.password or "",
        "MANAGER_PORT": str(port),
        "AI_TRADER_DATA_DIR": str(folder / "data"),
        "AI_TRADER_LOG_DIR": str(folder / "logs"),
        "CANARY": CANARY,
    }


@dataclass
class Managed:
    """A manager that runs, and its services: service-0, service-1, … in the order of their options."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    port: int
    ports: list[int] = field(default_factory=list)

    def services(self) -> dict[str, dict[str, Any]]:
        """Return the services by name; empty while the manager does not answer."""
        return {name: row for name, row in status(self.port).items() if name.startswith("service-")}

    def service(self, number: int = 0) -> dict[str, Any]:
        return self.services().get(f"service-{number}", {})

    def pid(self, number: int = 0) -> int:
        return int(self.service(number)["pid"])

    def all_running(self) -> dict[str, dict[str, Any]]:
        """Wait until every service answers."""

        def ask() -> dict[str, dict[str, Any]]:
            found = self.services()
            return found if [row["state"] for row in found.values()] == ["running"] * len(self.ports) else {}

        return until(ask, 20, f"{len(self.ports)} running services; {self.services()}")  # type: ignore[no-any-return]

    def until(self, number: int, seconds: float = 15.0, **wanted: Any) -> dict[str, Any]:
        """Wait until a service's status has these values and return it."""

        def ask() -> dict[str, Any]:
            row = self.service(number)
            return row if row and {name: row[name] for name in wanted} == wanted else {}

        return until(ask, seconds, f"service-{number} {wanted}; {self.service(number)}")  # type: ignore[no-any-return]

    def health(self) -> dict[str, Any]:
        code, body = fetch(f"http://127.0.0.1:{self.port}/health")
        return json.loads(body) if code else {}  # type: ignore[no-any-return]

    def metrics(self) -> str:
        return fetch(f"http://127.0.0.1:{self.port}/metrics")[1].decode()


@contextmanager
def managed(
    address: Address,
    folder: Path,
    mark: str,
    *options: list[str],
    timing: dict[str, float] | None = None,
    extra: dict[str, str] | None = None,
    **popen: Any,
) -> Iterator[Managed]:
    """Run a manager with a stand-in service for each list of options."""
    port, *ports = free_ports(len(options) + 1)
    services = [
        {"name": f"service-{number}", "port": each, "argv": stand_in(each, mark, *given)}
        for number, (each, given) in enumerate(zip(ports, options, strict=True))
    ]
    argv = [str(HERE / "manager_process.py"), json.dumps({"services": services, "timing": timing or {}})]
    with program(argv, environment(address, folder, port) | (extra or {}), **popen) as process:
        yield Managed(process, folder, port, ports)
