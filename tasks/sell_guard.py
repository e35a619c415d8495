"""The seller's guard where the watch cannot reach it: the health check of its container, `python -m tasks.sell_guard`.

A worker of this container that stands still is ended by force, and the container is started again (docs/selling.md).
"""

import sys

from config.home import Home, find_home
from events.heartbeat import SILENT_S, age
from tasks.sell_process import kill, lives, read_process


def main() -> int:
    """Return 0 while the worker beats, 1 when it is not there (yet) or was ended just now."""
    return 0 if guard(find_home()) else 1


def guard(home: Home) -> bool:
    """Return whether the worker of this home beats; one that is there and does not is ended."""
    worker, silent_s = read_process(home), age(home)
    if worker is None or not lives(worker):
        return False
    if silent_s is not None and silent_s <= SILENT_S:
        return True
    kill(worker)
    return False


if __name__ == "__main__":
    sys.exit(main())
