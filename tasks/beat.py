"""The beat: plain Celery beat; every sweep takes a lease row, so that a second beat is harmless (DESIGN 5)."""

import sys

from celery.apps.beat import Beat

from config.logging import setup_logging
from services.process_record import STARTED, STOPPED
from tasks.app import app
from tasks.context import context
from tasks.waiting import wait_for_dependencies


def main() -> int:
    """Run until SIGTERM."""
    ctx = context()
    setup_logging(ctx.settings)
    wait_for_dependencies(ctx)
    ctx.tell(STARTED)
    ctx.live.start()
    schedule = ctx.settings.home.run / "beat-schedule"
    schedule.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # a container's home begins empty
    try:
        Beat(app=app, schedule=str(schedule), loglevel="INFO", redirect_stdouts=False, quiet=True).run()
    finally:  # SIGTERM ends it by SystemExit
        ctx.tell(STOPPED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
