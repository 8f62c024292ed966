"""The documents say what the code says."""

import re
import subprocess
from pathlib import Path

from main.monitoring.catalogue import catalogue
from main.monitoring.read import reads

ROOT = Path(__file__).resolve().parents[2]


def test_the_catalogue_of_numbers_is_up_to_date() -> None:
    assert (ROOT / "docs" / "numbers.md").read_text() == catalogue(reads().values()), "run: make docs"


def test_every_link_between_documents_leads_somewhere() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    broken = [
        f"{name} -> {target}"
        for name in listed.stdout.split()
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / name).read_text())
        if not (ROOT / name).parent.joinpath(target).exists()
    ]
    assert broken == []


def test_every_command_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^make (\w+)", readme, re.MULTILINE))
    assert {"run", "test"} <= targets
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []
