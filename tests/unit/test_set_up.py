"""Setting up says what it does before it does it: a first start takes minutes, and silence looks like a fault."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = """#!/bin/sh
case "$*" in
  "-m venv "*) echo "making $3"; mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
  "-m pip "*) echo "fetching" ;;
  *sysconfig*) echo "SITE" ;;
esac
"""


def set_up(folder: Path) -> list[str]:
    """What is said in a folder, with a Python that says what it is told to do."""
    folder.mkdir(exist_ok=True)
    python, requirements = folder / "python3", folder / "requirements.txt"
    python.write_text(PYTHON.replace("SITE", str(folder)))
    python.chmod(0o755)
    requirements.write_text("# pinned\none==1.0 \\\n    --hash=sha256:00\nTwo[extra]==2.0 ; python_version < '3.12'\n")
    argv = [shutil.which("sh") or "sh", str(ROOT / "scripts" / "setup.sh"), str(python), str(folder / "venv")]
    done = subprocess.run([*argv, str(requirements)], capture_output=True, text=True, timeout=30, check=True)
    assert (folder / "ai_trader.pth").read_text().strip() == str(ROOT / "src")
    return done.stdout.splitlines()


def test_every_step_is_announced_before_it_begins_with_how_long_it_takes(tmp_path: Path) -> None:
    announced, made, installing, fetched = set_up(tmp_path)
    assert announced.startswith("Making the virtual environment")
    assert "seconds" in announced
    assert (made, fetched) == (f"making {tmp_path}/venv", "fetching")
    assert installing.startswith("Installing the 2 packages of")
    assert "a minute or two" in installing


def test_an_environment_that_is_there_is_not_announced_again(tmp_path: Path) -> None:
    set_up(tmp_path)
    assert [line.split()[0] for line in set_up(tmp_path)] == ["Installing", "fetching"]
