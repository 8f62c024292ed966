"""How is this machine now? Samples of the whole and of its parts, for those who have no database to ask."""

from pathlib import Path

from main.monitoring.collectors.host import HostCollector, HostSample
from main.monitoring.collectors.parts import PartsCollector
from main.monitoring.host_parts import HostParts

Sampled = tuple[HostSample, HostParts]


class MachineSampler:
    """Takes both samples of this machine at once; no database is needed."""

    def __init__(self, path: Path) -> None:
        """Name a folder whose disk matters."""
        self._whole, self._parts = HostCollector(path), PartsCollector(path)

    def sample(self) -> Sampled:
        """Return how the machine and its parts are now. Takes a few milliseconds."""
        return self._whole.sample(), self._parts.sample()


def sampled_once(path: Path) -> tuple[Sampled, ...]:
    """Return one sample: what needs two, such as how busy it is, is not known by it."""
    return (MachineSampler(path).sample(),)
