"""`python -m tests.chaos SECONDS` disturbs a suite for so long; CHAOS_SEED replays a run, CHAOS_ONLY names faults."""

import asyncio
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.runner import Run


def main(arguments: list[str]) -> int:
    seconds = float(arguments[0]) if arguments else 600.0
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(1_000_000))
    folder = Path(tempfile.mkdtemp(prefix="ai-trader-chaos-"))
    folder.chmod(0o755)  # the database server may run as another user, who has to get in
    os.environ["TESTS_RUN_DIR"] = str(folder)
    only = [name.strip() for name in os.environ.get("CHAOS_ONLY", "").split(",") if name.strip()]
    run = Run(folder, seed, seconds, only=only, say=lambda text: print(text, flush=True))  # noqa: T201
    print(f"{run.report.replay}\nPlanned:\n{run.plan}\nDone:", flush=True)  # noqa: T201
    try:
        report = asyncio.run(run.go())
    except BaseException:
        print(f"Stopped. Its files are in {folder}. Replay: {run.report.replay}", file=sys.stderr)  # noqa: T201
        raise
    print(report.summary())  # noqa: T201
    if report.failed:
        print(f"\n{report.failure()}\nIts files are in {folder}.")  # noqa: T201
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
