"""Where is promtool, Prometheus' own judge of metrics: on the PATH, or from the distribution?"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

_NO_SERVICE = Path("/usr/sbin/policy-rc.d")


@cache
def promtool() -> str | None:
    """Return the path of promtool, installing the distribution's where we are root; ``None`` where that fails."""
    found = shutil.which("promtool")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        found = shutil.which("promtool")
    return found


def _install() -> None:
    """Install the package, which brings a server with it that must not be started."""
    ours = not _NO_SERVICE.exists()
    if ours:
        _NO_SERVICE.write_text("#!/bin/sh\nexit 101\n")
        _NO_SERVICE.chmod(0o755)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "prometheus"]
    try:
        for command in (["apt-get", "update", "-qq"], install):
            subprocess.run(command, env=quiet, check=False, capture_output=True, timeout=240)
    except subprocess.TimeoutExpired:
        pass  # the test says that there is none
    finally:
        if ours:
            _NO_SERVICE.unlink(missing_ok=True)
