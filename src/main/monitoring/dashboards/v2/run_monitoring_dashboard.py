"""Serves the wallboard as a process of its own: what `dashboards run monitoring` starts, or somebody by hand."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Started by path, Python puts this folder first, and its modules would stand before others of the same name.
sys.path[:] = [str(HERE.parents[3]), *(entry for entry in sys.path if Path(entry).resolve() != HERE)]

from main.monitoring.dashboards.v2.launch import launch  # noqa: E402
from main.monitoring.dashboards.v2.monitoring_dashboard import MonitoringDashboardV2  # noqa: E402


def main() -> int:
    """Run until told to stop; return the exit code."""
    return launch(MonitoringDashboardV2)


if __name__ == "__main__":
    sys.exit(main())
