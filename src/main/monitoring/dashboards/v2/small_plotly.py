"""Which Plotly do pages get: the packaged one, or one with only the traces that panels draw, built at set-up?

`scripts/plotly.sh` builds it into the virtual environment where there is npm. What was built from another list, or for
another Plotly than the packaged one, is as good as not there: both must draw the same.
"""

import hashlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import plotly

LIST = Path(__file__).with_name("small_plotly.json")
BUILT = Path(sys.prefix) / "share" / "ai-trader"
SCRIPT, LICENCE = "plotly.min.js", "plotly.LICENSE.txt"


@dataclass(frozen=True, slots=True)
class SmallPlotly:
    """A Plotly with few traces: where it lies, the SHA-256 of its script, and the trace types that it draws."""

    script: Path
    licence: Path
    digest: str
    traces: tuple[str, ...]


def small_plotly(built: Path = BUILT) -> SmallPlotly | None:
    """Return the one that was built, ``None`` where there is none, or none that may stand in for the packaged one."""
    wanted = json.loads(LIST.read_text())
    found = SmallPlotly(built / SCRIPT, built / LICENCE, wanted["sha256"], tuple(wanted["traces"]))
    if wanted["version"] != packaged_version() or not found.licence.is_file():
        return None
    try:
        digest = hashlib.sha256(found.script.read_bytes()).hexdigest()
    except OSError:
        return None
    return found if digest == found.digest else None


def packaged_version() -> str:
    """Return the version of plotly.js that came with Dash; empty where its head does not tell."""
    packaged = Path(plotly.__file__).parent / "package_data" / SCRIPT
    with packaged.open(encoding="utf-8") as script:
        head = re.search(r"plotly\.js v([\w.-]+)", script.read(300))
    return head[1] if head else ""
