"""On what was it measured? No names, no paths."""

import platform
from dataclasses import dataclass
from typing import Self

import psutil

from main.database.postgres_binaries import installed_binaries


@dataclass(frozen=True, slots=True)
class Machine:
    """What matters to compare figures of two runs."""

    system: str
    processor: str
    cores: int
    gigabytes: float
    python: str
    postgresql: str

    @classmethod
    def here(cls) -> Self:
        return cls(
            platform.system(),
            platform.machine(),
            psutil.cpu_count() or 1,
            psutil.virtual_memory().total / 2**30,
            platform.python_version(),
            installed_binaries(None).version(),
        )

    def __str__(self) -> str:
        return (
            f"{self.system} {self.processor}, {self.cores} cores, {self.gigabytes:.0f} GB of memory, "
            f"Python {self.python}, PostgreSQL {self.postgresql} (embedded)"
        )
