"""What does a bot embed to have its facts recorded?"""

from main.recording.api import (
    close_database,
    init_database,
    log_order_event,
    log_system_event,
    record_metric,
    save_market_snapshot,
)
from main.recording.recorder import Recorder
from main.recording.spool import Spool
from main.recording.statistics import RecorderStatistics

__all__ = [
    "Recorder",
    "RecorderStatistics",
    "Spool",
    "close_database",
    "init_database",
    "log_order_event",
    "log_system_event",
    "record_metric",
    "save_market_snapshot",
]
