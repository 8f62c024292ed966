"""`python -m tests.bench` measures all and writes docs/benchmarks.md; with names, those, on the terminal."""

import importlib
import os
import pkgutil
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from tests.bench import measurements
from tests.bench.machine import Machine
from tests.bench.report import Section, document, table
from tests.running import ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.md"


def main(arguments: list[str]) -> int:
    found = sections()
    names = [section.name for section in found]
    if unknown := [name for name in arguments if name not in names]:
        print(f"no measurement {', '.join(unknown)}: there are {', '.join(names)}", file=sys.stderr)  # noqa: T201
        return 2
    console = Console(width=None if sys.stdout.isatty() else 140)
    began = time.monotonic()
    measured = [measure(section, console) for section in found if not arguments or section.name in arguments]
    took = time.monotonic() - began
    failed = [section.name for section in measured if section.failure]
    if not arguments and not failed:
        DOCUMENT.write_text(document(measured, Machine.here(), took))
        console.print(f"{took:.0f} s. Written: {DOCUMENT.relative_to(ROOT)}")
    elif failed:
        console.print(f"[bold red]Failed: {', '.join(failed)}[/]. Nothing written.")
    return 1 if failed else 0


def sections() -> list[Section]:
    """Every module of `measurements`, in the order they ask for."""
    modules = [
        importlib.import_module(f"{measurements.__name__}.{found.name}")
        for found in pkgutil.iter_modules(measurements.__path__)
    ]
    found = [Section(module.NAME, module.TITLE, module.METHOD, module.measure) for module in modules]
    order = {module.NAME: module.ORDER for module in modules}
    return sorted(found, key=lambda section: (order[section.name], section.name))


def measure(section: Section, console: Console) -> Section:
    """Run one measurement in a folder of its own that any user may enter, for the database server may be another."""
    folder = Path(tempfile.mkdtemp(prefix="ai-trader-bench-"))
    folder.chmod(0o755)
    os.environ["TESTS_RUN_DIR"] = str(folder)
    console.print(f"[dim]{section.title} …[/]")
    began = time.monotonic()
    try:
        done = replace(section, rows=tuple(section.run(folder)), seconds=time.monotonic() - began)
    except Exception as error:  # noqa: BLE001 - the others can still be measured
        console.print_exception()
        return replace(section, failure=str(error) or type(error).__name__)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    console.print(table(done))
    return done


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
