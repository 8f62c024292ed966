"""Start AI Trader from a checkout: `python ai_trader.py --help`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

from main.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
