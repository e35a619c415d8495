"""The sell worker's heartbeat: a beat when a tick begins or ends, and one a second in between (MON-002)."""

import threading

from config.home import Home
from events.heartbeat import SILENT_S, age, beat

__all__ = ["SILENT_S", "age", "beat", "keep_beating"]

_EVERY_S = 1.0


def keep_beating(home: Home) -> threading.Event:
    """Beat once a second from now on, in a thread of its own, until the returned event is set."""
    stop = threading.Event()

    def run() -> None:
        while True:
            beat(home)
            if stop.wait(_EVERY_S):
                return

    threading.Thread(target=run, name="heartbeat", daemon=True).start()
    return stop
