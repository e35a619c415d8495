"""A worker of our application with a slow task beside ours: `python slow_worker.py NAME QUEUE`.

Its messages come back after three seconds instead of a minute. OPITIOS_TEST_UNGUARDED leaves the guard of kombu out:
what happens then is the reason for it.
"""

import logging
import os
import sys
import time

from events import kombu_guard

if os.environ.get("OPITIOS_TEST_UNGUARDED"):
    kombu_guard.install = lambda: None

from tasks.app import app
from tasks.worker import consume

VISIBILITY_S = 3

app.conf.broker_transport_options |= {"visibility_timeout": VISIBILITY_S, "unacked_restore_interval": 1}


@app.task(name="tests.slow")  # type: ignore[untyped-decorator]  # Celery's decorators carry no types
def slow(note: str, seconds: str) -> None:
    """Say when it begins and ends."""
    print(f"{note} begins", flush=True)  # noqa: T201  the test reads it
    time.sleep(float(seconds))
    print(f"{note} ends", flush=True)  # noqa: T201  likewise


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    consume(sys.argv[1], [sys.argv[2]], 2)
