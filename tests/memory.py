"""Where do tests keep what is made and deleted all the time? In memory, where there is some to spare.

A database is 1,800 files. Where as many were deleted a minute ago, some file systems take seconds to make them again.
"""

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_SPARE_BYTES = 4 * 2**30


def quick_folder(name: str) -> Path:
    """Make a folder for anyone to enter; the same name gives the same one. `shutil.rmtree` it in the end."""
    folder = _MEMORY / name
    if not folder.is_dir() and not _spare():
        folder = Path(tempfile.gettempdir()) / name
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    return folder


def _spare() -> bool:
    return _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _SPARE_BYTES
