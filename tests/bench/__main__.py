"""`python -m tests.bench` measures all into docs/benchmarks.md; with names, those, in their places there."""

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
from tests.bench.kept import Kept, keep, kept
from tests.bench.report import Section, document, table
from tests.running import ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.md"
KEPT = Path(__file__).with_name("kept.json")


def main(arguments: list[str]) -> int:
    found = sections()
    names = [section.name for section in found]
    if unknown := [name for name in arguments if name not in names]:
        print(f"no measurement {', '.join(unknown)}: there are {', '.join(names)}", file=sys.stderr)  # noqa: T201
        return 2
    console = Console(width=None if sys.stdout.isatty() else 140)
    began, failed = time.monotonic(), []
    for section in found:
        if arguments and section.name not in arguments:
            continue
        measured = measure(section, console)
        if measured.failure:
            failed.append(section.name)
        else:
            write(measured, names)  # at once: the next one may take an hour, or fail
    console.print(f"{time.monotonic() - began:.0f} s. In {DOCUMENT.relative_to(ROOT)} is what could be measured.")
    if failed:
        console.print(f"[bold red]Failed: {', '.join(failed)}[/]. What was measured of them before still stands there.")
    return 1 if failed else 0


def write(section: Section, names: list[str]) -> None:
    """Put a section in its place in the document; those that there are no more go out of it."""
    known = kept(KEPT)
    known[section.name] = Kept.of(section.name, section.title, section.method, section.seconds, section.rows)
    ordered = {name: known[name] for name in names if name in known}
    keep(KEPT, ordered)
    DOCUMENT.write_text(document(list(ordered.values())))


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
