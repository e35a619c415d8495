"""The watch: notices that Postgres, Redis or a broker is lost and back, and tells it without them (UC-SYSTEM-002).

A thread of the relay with a connection of its own. What it has to say goes to the spool first and from there to
Postgres, so an alert of an outage is on the disk before anything else, and written once. It follows the state, not the
change: whoever begins to watch takes over what is open, and says what is not so any more.
"""

import threading
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from loguru import logger

from config.ids import trace_id
from domain.breaker import BreakerState
from domain.system_status import BROKER_LOST, DATABASE_LOST, POSTGRES, REDIS, REDIS_LOST, Trouble
from events.breakers import BreakerBoard, BreakerReading
from events.spool import spools_in
from events.system_status import StatusChannel
from models.session import Database
from models.unit import StoreAway, StoreError
from services.accounts import AccountRef, all_accounts, ref_of
from services.alerts import open_alerts
from services.leases import drop_lease, take_lease
from services.order_hold import wake_entries
from services.origin import Stamp
from services.spooled import Line, operated, raised, resolved
from tasks.context import Context
from tasks.sell_watch import SellWatch
from tasks.spooling import replay
from tasks.troubles import alert_of, operation_of, words_at_end, words_at_loss

LOOK_S = 1.0
_LEASE = "watch"
_LEASE_S = 15  # longer than a look at a server that hangs
_SURE = 2
_HUNG_MS = 4000
_KINDS = {DATABASE_LOST, REDIS_LOST, BROKER_LOST}


class _Part:
    """Postgres or Redis: one look that fails may be a busy machine; two in a row, or one that hung, are a loss."""

    def __init__(self) -> None:
        self._failed = 0

    @property
    def is_up(self) -> bool:
        """Whether the last look found it."""
        return not self._failed

    @property
    def is_lost(self) -> bool:
        """Whether it is to be told as lost."""
        return self._failed >= _SURE

    def heard(self, *, up: bool, hung: bool = False) -> None:
        """Take in one look."""
        self._failed = 0 if up else self._failed + (_SURE if hung else 1)


class Watch:
    """Looks once a second; of several only the one with the lease tells, and each while nobody can ask for it."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        settings = ctx.settings
        url = settings.redis_url.get_secret_value()
        self._database = Database(
            settings.app_database_url.get_secret_value(), application_name="opitios-watch", pool_size=1
        )
        self._board = BreakerBoard(url)
        self._channel = StatusChannel(url)
        self._seller = SellWatch(ctx)
        self._postgres, self._redis = _Part(), _Part()
        self._accounts: dict[str, AccountRef] = {}
        self._leads: bool | None = None  # None: nobody could be asked yet
        self._told: set[Trouble] = set()
        self._opened_ms: dict[str, int] = {}
        self._since = ctx.clock.now()
        self._untold, self._again = True, False
        self._to_wake: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more, and let the next one lead at once."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._leads and self._postgres.is_up:
            try:
                with self._database.statement() as unit:
                    drop_lease(unit, _LEASE, self._ctx.origin.process)
            except StoreError:
                logger.info("The watch's lease runs out by itself")
        self._channel.close()
        self._board.close()
        self._database.dispose()

    def look(self) -> None:
        """Take in how everything stands now, and tell what has changed."""
        began = self._ctx.clock.monotonic_ms()
        is_up = self._lead()
        self._postgres.heard(up=is_up, hung=self._ctx.clock.monotonic_ms() - began > _HUNG_MS)
        names = [account.name for account in self._ctx.settings.accounts if account.enabled]
        readings = self._board.read(names)
        self._redis.heard(up=readings is not None)
        if self._leads is False:
            return
        wrong = {part for part, watched in ((POSTGRES, self._postgres), (REDIS, self._redis)) if watched.is_lost}
        if readings is None:
            wrong |= {trouble for trouble in self._told if trouble.kind == BROKER_LOST}
            readings = {}
        wrong |= {Trouble(BROKER_LOST, name) for name, one in readings.items() if one.state is not BreakerState.CLOSED}
        self._tell(wrong, self._flaps(readings, wrong), readings)
        self._seller.look(self._database if is_up else None)
        self._write()

    def _lead(self) -> bool:
        """Return whether Postgres answers; where it does, say whether this watch is the one that tells."""
        try:
            with self._database.unit() as unit:
                leads = take_lease(unit, _LEASE, self._ctx.origin.process, _LEASE_S)
                if leads and not self._leads:
                    is_open = {Trouble(one.kind, one.subject) for one in open_alerts(unit) if one.kind in _KINDS}
                    self._told = is_open | (self._told if self._leads is None else set())
                if leads and not self._accounts.keys() >= {one.name for one in self._ctx.settings.accounts}:
                    self._accounts = {row.name: ref_of(row) for row in all_accounts(unit, enabled_only=False)}
        except StoreError as error:
            if self._postgres.is_up:
                logger.warning("The watch waits for the database: {}", type(error).__name__)
            return False
        self._leads = leads
        return True

    def _flaps(self, readings: Mapping[str, BreakerReading], wrong: AbstractSet[Trouble]) -> list[Trouble]:
        """Return the brokers that were lost and back between two looks."""
        found = []
        for name, one in readings.items():
            opened_ms, trouble = one.last_opened_ms or 0, Trouble(BROKER_LOST, name)
            if opened_ms > self._opened_ms.get(name, opened_ms) and trouble not in wrong | self._told:
                found.append(trouble)
            self._opened_ms[name] = opened_ms
        return found

    def _tell(self, wrong: set[Trouble], flaps: list[Trouble], readings: Mapping[str, BreakerReading]) -> None:
        begun, ended = wrong - self._told, self._told - wrong
        by = Stamp(self._ctx.clock.now(), self._ctx.ids, self._ctx.origin)
        lines: list[Line] = []
        for trouble in sorted(begun) + flaps:
            logger.error(words_at_loss(trouble))
            lines += self._lines(trouble, by, readings.get(trouble.subject), is_lost=True)
        for trouble in sorted(ended) + flaps:
            logger.info(words_at_end(trouble))
            lines += self._lines(trouble, by, readings.get(trouble.subject), is_lost=False)
        if lines:
            self._ctx.spool.keep(lines)
        self._told = wrong
        self._to_wake |= {trouble.subject for trouble in (*ended, *flaps) if trouble.kind == BROKER_LOST}
        if begun or ended:
            self._since, self._untold = by.now, True
            self._again |= REDIS in ended
        if self._untold and self._redis.is_up:
            self._untold = not self._channel.tell(wrong, since=self._since, trace_id=trace_id(), again=self._again)
            self._again &= self._untold

    def _lines(self, trouble: Trouble, by: Stamp, reading: BreakerReading | None, *, is_lost: bool) -> list[Line]:
        account = self._accounts.get(trouble.subject) if trouble.kind == BROKER_LOST else None
        alert = (
            raised(alert_of(trouble, account, reading), by)
            if is_lost
            else resolved([trouble.kind], trouble.subject, by)
        )
        if trouble.kind != BROKER_LOST:
            return [alert]
        return [alert, operated(operation_of(trouble, account, reading, now=by.now, is_lost=is_lost), by)]

    def _write(self) -> None:
        """Write what waits in the spools, of processes that have ended too, and wake who waited for a broker."""
        if not self._postgres.is_up:
            return
        try:
            for spool in spools_in(self._ctx.settings.home.spool):
                replay(self._database, spool, self._ctx.ids)
            for name in sorted(self._to_wake):
                with self._database.statement() as unit:
                    wake_entries(unit, name)
                self._to_wake.discard(name)
        except StoreAway as error:
            logger.warning("What was spooled waits for the database: {}", type(error).__name__)

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception as error:  # noqa: BLE001  a watch that died would say nothing for ever
                logger.opt(exception=error).error("The watch could not look: {}", type(error).__name__)
            if self._stop.wait(LOOK_S):
                return
