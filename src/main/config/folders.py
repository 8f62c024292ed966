"""Where do a user's data live, when the user has not said so?"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

NAME = "ai-trader"


def user_data_folder(env: Mapping[str, str] | None = None) -> Path:
    """Return the platform's folder for data: `~/.local/share/ai-trader`, or under XDG_DATA_HOME where that is set."""
    variables = os.environ if env is None else env
    home = Path(variables.get("HOME") or Path.home())
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / NAME
    if sys.platform == "win32":
        return Path(variables.get("LOCALAPPDATA") or home / "AppData" / "Local") / NAME
    # The specification of XDG tells to ignore a relative path.
    base = Path(variables.get("XDG_DATA_HOME", ""))
    return (base if base.is_absolute() else home / ".local" / "share") / NAME
