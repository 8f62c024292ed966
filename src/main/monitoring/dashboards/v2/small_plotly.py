"""Which Plotly do pages get: the packaged one, or one with only the traces that panels draw, built at set-up?

`scripts/plotly.sh` builds it into the virtual environment where there is npm. What was built from another list, or for
another Plotly than the packaged one, is as good as not there: both must draw the same.
"""

import hashlib
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import plotly

LIST = Path(__file__).with_name("small_plotly.json")
BUILT = Path(sys.prefix) / "share" / "ai-trader"
SCRIPT, LICENCE = "plotly.min.js", "plotly.LICENSE.txt"


@dataclass(frozen=True, slots=True)
class SmallPlotly:
    """A Plotly with few traces: its script as it was checked, the SHA-256 of it, and the trace types that it draws.

    The files may be built anew under a process that runs: what it serves stays what its list and its address name.
    """

    script: bytes = field(repr=False)
    licence: bytes = field(repr=False)
    digest: str
    traces: tuple[str, ...]


def small_plotly(built: Path = BUILT) -> SmallPlotly | None:
    """Return the one that was built, ``None`` where there is none, or none that may stand in for the packaged one."""
    wanted = json.loads(LIST.read_text())
    try:
        script, licence = (built / SCRIPT).read_bytes(), (built / LICENCE).read_bytes()
    except OSError:
        return None
    if wanted["version"] != packaged_version() or wanted["sha256"] != hashlib.sha256(script).hexdigest():
        return None
    return SmallPlotly(script, licence, wanted["sha256"], tuple(wanted["traces"]))


def packaged_version() -> str:
    """Return the version of plotly.js that came with Dash; empty where its head does not tell."""
    packaged = Path(plotly.__file__).parent / "package_data" / SCRIPT
    with packaged.open(encoding="utf-8") as script:
        head = re.search(r"plotly\.js v([\w.-]+)", script.read(300))
    return head[1] if head else ""
