"""The seller's part of the watch: notices that it has stopped, tells it, and has it started again (MON-002).

Two signs are looked at: the worker's heartbeat on this machine, which is there without Postgres too, and the last tick
in Postgres. A worker that ticks from its snapshot while Postgres is away has a heartbeat and is left alone; one on
another machine is told of and never killed. What there is to say goes to the spool first, as all of the watch's.
"""

import datetime as dt

from loguru import logger

from config.ids import trace_id
from domain.alerts import Severity
from events.heartbeat import age
from models.session import Database
from models.unit import StoreError
from services.alerts import Alert
from services.operations import Operation
from services.origin import Stamp
from services.sell_health import RESTARTED, Pulse, patience_of, read_pulse
from services.spooled import operated, raised, resolved
from tasks.context import Context
from tasks.sell_process import SellProcess, kill, lives, read_process
from tasks.sell_signs import Complaint, Signs

STOPPED = "sell_module_stopped"
SUBJECT = "sell_module"

KILL_EVERY_S = 20.0


class SellWatch:
    """Looks when the watch looks; remembers what it was told, and which worker it has seen."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._pulse: Pulse | None = None  # as Postgres said last
        self._began_ms = ctx.clock.monotonic_ms()
        self._back_ms: float | None = None  # since when Postgres answers without a pause
        self._tick_ms: float | None = None  # when the last tick began
        self._stood_ms: float | None = None  # when the last one before the stop that was told began
        self._worker: SellProcess | None = None
        self._worker_since_ms: float | None = None  # None: not looked for yet
        self._killed: SellProcess | None = None
        self._killed_ms: float | None = None
        self._is_told: bool | None = None  # None: the alert of an earlier watch may be open

    def look(self, database: Database | None) -> None:
        """Take in how the seller stands now, and act on it; `database` is None while Postgres is away."""
        now_ms = self._ctx.clock.monotonic_ms()
        self._ask(database, now_ms)
        if self._pulse is None:
            return  # nobody has said yet whether it is to run
        worker = read_process(self._ctx.settings.home)
        successor = self._succeeded(worker, now_ms)
        signs = self._signs(self._pulse, worker, now_ms)
        complaint = signs.complaint
        ended = successor if signs.running else None
        if (complaint is not None or ended is not None) and not self._is_told:
            self._tell(complaint or Complaint("worker_ended", "its worker did not end in order"), signs)
        if ended is not None:
            self._record_restart(signs, ended, now_ms)
        elif signs.is_back and self._is_told is not False:
            self._tell_end(signs, now_ms)
        if complaint is not None:
            self._end(signs, complaint, now_ms)

    def _ask(self, database: Database | None, now_ms: float) -> None:
        found = None
        if database is not None:
            try:
                with database.statement() as unit:
                    found = read_pulse(unit)
            except StoreError as error:
                logger.warning("The seller's watch waits for the database: {}", type(error).__name__)
        if found is None:
            self._back_ms = None
            return
        self._pulse = found
        self._back_ms = now_ms if self._back_ms is None else self._back_ms
        self._tick_ms = None if found.tick_s is None else now_ms - found.tick_s * 1000

    def _signs(self, pulse: Pulse, worker: SellProcess | None, now_ms: float) -> Signs:
        settings = self._ctx.settings
        knows = self._back_ms is not None  # what Postgres said before it went away grows old
        starts = (self._began_ms, self._back_ms, self._worker_since_ms)
        return Signs(
            running=pulse.running,
            is_at_work=pulse.is_at_work,
            tick_process=pulse.tick_process,
            heartbeat_s=age(settings.home),
            tick_s=pulse.tick_s if knows else None,
            quiet_s=pulse.quiet_s if knows else None,
            patience_s=patience_of(pulse.interval or settings.sell_module.check_interval).total_seconds(),
            watched_s=(now_ms - self._began_ms) / 1000,
            fresh_s=min((now_ms - at) / 1000 for at in starts if at is not None),
            worker=worker,
            is_gone=worker is not None and not lives(worker),
        )

    def _succeeded(self, worker: SellProcess | None, now_ms: float) -> SellProcess | None:
        """Return a worker that is new here and took the place of one that was killed; one that was here before is not.

        What happened before this watch began is not its news.
        """
        is_first = self._worker_since_ms is None
        if worker is None or worker == self._worker:
            self._worker_since_ms = now_ms if is_first else self._worker_since_ms
            return None
        self._worker, self._worker_since_ms = worker, now_ms
        return worker if worker.after_crash and not is_first else None

    def _tell(self, complaint: Complaint, signs: Signs) -> None:
        message = f"The seller has stopped: {complaint.words}; {_what_follows(signs)}"
        logger.error(message)
        alert = Alert(
            kind=STOPPED,
            subject=SUBJECT,
            severity=Severity.CRITICAL,
            message=message,
            detail={"reason": complaint.reason} | _ages(signs),
        )
        self._ctx.spool.keep([raised(alert, self._stamp())])
        self._is_told, self._stood_ms = True, self._tick_ms

    def _tell_end(self, signs: Signs, now_ms: float) -> None:
        if self._is_told:
            logger.info("The seller runs again, or is no longer to run")
            if signs.running and not signs.is_here:
                self._record(signs, "back_elsewhere", "it ticks again on another machine", now_ms)
        self._ctx.spool.keep([resolved([STOPPED], SUBJECT, self._stamp())])
        self._is_told = False

    def _record_restart(self, signs: Signs, worker: SellProcess, now_ms: float) -> None:
        if self._killed is not None:
            reason, why = "killed_by_watch", "it was ended by force: it stood still"
        else:
            reason, why = "worker_ended", "its process had ended by itself, or was killed"
        logger.warning("The seller's worker was started again (pid {}): {}", worker.pid, why)
        self._record(signs, reason, why, now_ms)
        self._killed = None

    def _record(self, signs: Signs, reason: str, why: str, now_ms: float) -> None:
        """Put a restart on record: its duration is since the last tick before it began."""
        stood_ms = 0.0 if self._stood_ms is None else now_ms - self._stood_ms
        stamp = self._stamp()
        pid = None if signs.worker is None else signs.worker.pid
        operation = Operation(
            operation=RESTARTED,
            started_at=stamp.now - dt.timedelta(milliseconds=stood_ms),
            occurred_at=stamp.now,
            total_ms=stood_ms,
            success=True,
            source="system",
            trace_id=trace_id(),
            reason_code=reason,
            reason=why,
            detail={"pid": pid, "last_tick_s": round(stood_ms / 1000, 1)} | _ages(signs),
        )
        self._ctx.spool.keep([operated(operation, stamp)])

    def _end(self, signs: Signs, complaint: Complaint, now_ms: float) -> None:
        """Kill the worker of this machine where it stands still, at most once in twenty seconds."""
        if signs.worker is None or signs.is_gone or not signs.is_here:
            return
        if self._killed_ms is not None and now_ms - self._killed_ms < KILL_EVERY_S * 1000:
            return
        if kill(signs.worker):
            self._killed, self._killed_ms = signs.worker, now_ms
            logger.error("The seller's worker (pid {}) was ended by force: {}", signs.worker.pid, complaint.words)

    def _stamp(self) -> Stamp:
        return Stamp(self._ctx.clock.now(), self._ctx.ids, self._ctx.origin)


def _what_follows(signs: Signs) -> str:
    if signs.worker is not None and signs.is_here:
        return "it is started again"
    return "it is not on this machine, where it is to be started again (docs/selling.md)"


def _ages(signs: Signs) -> dict[str, float | None]:
    ages = {"heartbeat_s": signs.heartbeat_s, "tick_s": signs.tick_s}
    return {name: None if value is None else round(value, 1) for name, value in ages.items()}
