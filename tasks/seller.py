"""The seller of one worker: a tick reads, decides and writes, each exit in a unit of its own (TRD-002, DESIGN 2).

While Postgres is away the same decisions are made from the last snapshot (`tasks/sell_degraded.py`); when it is back,
what was spooled is written first, then the accounts are reconciled, then ticks go on as before (R21).
"""

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from loguru import logger

from config.celery import PLACE_EXIT
from config.settings import SINGLE
from domain.exits import Mark, OpenLot
from models.session import Database
from models.unit import StoreAway, StoreError
from risk.rules.reconciled import EXIT_PATIENCE
from services.exits import PlannedExit, line_of, place_exit
from services.leases import read_clock
from services.lots import WatchedLot, refresh_lots, store_marks, watched_lots
from services.order_sweep import WorkingOrder, working_orders
from services.origin import Stamp
from services.sell_health import patience_of
from services.sell_module import Switch, TickRecord, begin_tick, end_tick, follow_configuration, read_switch
from tasks.context import Context
from tasks.heartbeat import beat
from tasks.market_calendar import MarketCalendar
from tasks.placing import place_order
from tasks.reconcile_account import reconcile_account
from tasks.sell_alerts import tell_prices
from tasks.sell_decisions import decisions, moment_of, plan, watched_by
from tasks.sell_degraded import Degraded
from tasks.sell_prices import Priced, PriceReader, Prices
from tasks.sell_snapshot import Snapshot, file_beside, load_snapshot, tried
from tasks.sell_store import StoreWatch
from tasks.spooling import replay
from tasks.stopwatch import Stopwatch

_PATIENCE_S = 2.0  # so long a statement of a tick may take before Postgres counts as lost
_EARLY_MS = 250
_COMPARE_ALL = dt.timedelta(minutes=5)
_SENDERS = 4


class Seller:
    """One tick at a time, whoever asks for it; `restart` is what becomes of the process when a restart is asked for."""

    def __init__(self, ctx: Context, restart: Callable[[], None]) -> None:
        self.ctx = ctx
        self.prices = PriceReader()
        self.database = Database(
            ctx.settings.app_database_url.get_secret_value(),
            application_name=f"opitios-{ctx.settings.process}-ticks",
            pool_size=SINGLE,
            patience_s=_PATIENCE_S,
        )
        self.store = StoreWatch(self.database)
        self.file = file_beside(ctx.spool.path)
        self.snapshot = load_snapshot(self.file, ctx.clock.now())
        self.calendar = _calendar(self.snapshot)
        self._degraded = Degraded(ctx, self.prices, self.calendar)
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="exits")
        self._restart = restart
        self._busy = threading.Lock()
        self._kept: Snapshot | None = None  # as the file has it
        self._asked_ms: float | None = None
        self._generation: int | None = None
        self._refreshed: dt.datetime | None = None  # by the database's clock
        self._compared: dt.datetime | None = None
        self._back_since: dt.datetime | None = None
        self._was_away = self.snapshot is not None and bool(ctx.spool.read().lines)

    def waited_ms(self) -> float:
        """Return how long ago a tick was last asked for here, by the monotonic clock; for ever before the first."""
        return float("inf") if self._asked_ms is None else self.ctx.clock.monotonic_ms() - self._asked_ms

    def tick(self) -> bool:
        """Tick if it is time; return whether it was. A second call meanwhile is none."""
        interval_ms = self.ctx.settings.sell_module.check_interval / dt.timedelta(milliseconds=1)
        if self.waited_ms() < interval_ms - _EARLY_MS or not self._busy.acquire(blocking=False):
            return False
        self._asked_ms = self.ctx.clock.monotonic_ms()
        try:
            return self._tick()
        finally:
            beat(self.ctx.settings.home)
            self._busy.release()

    def close(self) -> None:
        """Let go of threads and connections."""
        self.store.close()
        self._senders.shutdown(wait=True, cancel_futures=True)
        self.prices.close()
        self.database.dispose()

    def _tick(self) -> bool:
        if not self.store.is_away:
            try:
                return self._with_store()
            except StoreAway as error:
                logger.warning("The seller goes on without the database: {}", type(error).__name__)
                self.store.lost()
                self._was_away = True
        return self._degraded.tick(self.snapshot)

    def _with_store(self) -> bool:
        ctx, watch = self.ctx, Stopwatch(self.ctx.clock)
        if self._was_away:
            self._come_back()
        switch = self._begin()
        if switch is None:
            return False
        lots, working, now = self._read()
        seen = watched_by(ctx.settings, lots)
        priced = [Priced(one.account, one.lot) for one in seen]
        prices = self.prices.read(ctx, priced, ctx.settings.sell_module.price_rules)
        ready = [one for one in seen if self._is_ready(one, now)]
        moment = moment_of(self.calendar, ctx.clock.now())
        wanted = [plan(ctx.settings, one, ctx.clock.now()) for one in decisions(ctx.settings, ready, prices, moment)]
        placed = [exit_ for exit_ in wanted if exit_ is not None and self._place(exit_, watch)]
        self._keep(lots, working, placed)
        failures = prices.failures(one.lot for one in seen)
        record = TickRecord(
            tick_id=ctx.ids.new(),
            begun_at=watch.started_at,
            total_ms=watch.elapsed_ms,
            price_ms=prices.total_ms,
            degraded=False,
            process=ctx.origin.process,
            accounts=len({one.account for one in seen}),
            positions=len(seen),
            requests=prices.requests,
            exits=len(placed),
            failures=failures,
        )
        renewed_after = patience_of(ctx.settings.sell_module.check_interval) / 2
        self._end(record, marks_of(seen, prices, renewed_after=renewed_after), watch)
        tell_prices(ctx, len(seen), failures)
        return True

    def _begin(self) -> Switch | None:
        """Take the tick that is due; keep in mind what the switch says."""
        ctx, selling = self.ctx, self.ctx.settings.sell_module
        with self.database.unit() as unit:
            follow_configuration(unit, selling.enabled, Stamp(ctx.clock.now(), ctx.ids, ctx.origin))
            taken = begin_tick(unit, interval=selling.check_interval, process=ctx.origin.process)
            switch = taken or read_switch(unit)
        if self._generation is not None and switch.generation != self._generation:
            logger.info("A restart was asked for by {}", switch.changed_by)
            self._restart()
            return None
        self._generation = switch.generation
        if not switch.running and self.snapshot is not None and self.snapshot.running:
            self.snapshot = replace(self.snapshot, running=False, taken_at=ctx.clock.now())
            self._save()
        return taken

    def _read(self) -> tuple[list[WatchedLot], list[WorkingOrder], dt.datetime]:
        with self.database.unit() as unit:
            now = read_clock(unit)
            all_of_it = self._compared is None or now - self._compared > _COMPARE_ALL
            refresh_lots(
                unit,
                since=None if all_of_it else self._refreshed,
                auto_sell_default=self.ctx.settings.sell_module.auto_sell_default,
                ids=self.ctx.ids,
            )
            lots, working = watched_lots(unit), working_orders(unit)
        self._refreshed = now
        self._compared = now if all_of_it else self._compared
        return lots, working, now

    def _is_ready(self, one: WatchedLot, now: dt.datetime) -> bool:
        """Return whether the account was compared with its broker since Postgres is back; ten seconds are enough."""
        since = self._back_since
        if since is None or now - since > EXIT_PATIENCE:
            return True
        return one.reconciled_from is not None and one.reconciled_from > since

    def _place(self, exit_: PlannedExit, watch: Stopwatch) -> bool:
        """Write one exit; what cannot be written is said, and keeps no other waiting."""
        try:
            with self.database.unit() as unit:
                written = place_exit(unit, exit_, total_ms=watch.elapsed_ms, origin=self.ctx.origin)
        except StoreAway:
            raise
        except StoreError as error:
            logger.error("An exit of {} could not be written: {}", exit_.decision.lot.symbol, type(error).__name__)
            return False
        if written:
            logger.info(line_of(exit_))
            self._senders.submit(self._send_off, exit_.order_id)
        return written

    def _send_off(self, order_id: uuid.UUID) -> None:
        """Hint the worker of the exits; where Redis takes no hint, place it here."""
        try:
            if not self.ctx.hints.publish(PLACE_EXIT, [str(order_id)]):
                place_order(self.ctx, order_id)
        except StoreError as error:
            logger.warning("Exit {} is left to the relay: {}", order_id, type(error).__name__)

    def _keep(self, lots: Sequence[WatchedLot], working: Sequence[WorkingOrder], placed: Iterable[PlannedExit]) -> None:
        """Renew the snapshot: with what was written in this tick."""
        now = self.ctx.clock.now()
        new = {one.decision.lot.lot_id: one for one in placed}
        as_tried = [
            tried(one, new[one.lot.lot_id].attempt, new[one.lot.lot_id].decision.trigger.reason.value, now)
            if one.lot.lot_id in new
            else one
            for one in lots
        ]
        self.snapshot = Snapshot(now, running=True, lots=as_tried, working=working, sessions=self.calendar.as_json())
        self._save()

    def _save(self) -> None:
        if self.snapshot is None or self.snapshot.says_what(self._kept):
            return
        try:
            self.snapshot.save(self.file)
        except OSError as error:
            logger.error("The seller's snapshot cannot be written: {}", error)
            return
        self._kept = self.snapshot

    def _end(self, record: TickRecord, marks: Iterable[tuple[OpenLot, Mark]], watch: Stopwatch) -> None:
        with self.database.unit() as unit:
            store_marks(unit, marks)
            end_tick(unit, replace(record, total_ms=watch.elapsed_ms))

    def _come_back(self) -> None:
        """Write what was spooled, then have every account compared with its broker. Raises StoreAway."""
        ctx = self.ctx
        replay(self.database, ctx.spool, ctx.ids)
        with self.database.statement() as unit:
            self._back_since = read_clock(unit)
        accounts = {one.lot.account_id for one in self.snapshot.lots} if self.snapshot is not None else set()
        for account_id in accounts:
            self._senders.submit(self._reconcile, account_id)
        self._was_away = False

    def _reconcile(self, account_id: uuid.UUID) -> None:
        try:
            reconcile_account(self.ctx, account_id)
        except StoreError as error:
            logger.warning("An account is reconciled later: {}", type(error).__name__)


def marks_of(lots: Iterable[WatchedLot], prices: Prices, *, renewed_after: dt.timedelta) -> list[tuple[OpenLot, Mark]]:
    """Return what each lot could be closed at, where that is another price or the one on record grows old."""
    known = ((one, mark) for one in lots if (mark := prices.of(one.lot)) is not None)
    return [(one.lot, mark) for one, mark in known if _is_news(one, mark, renewed_after)]


def _is_news(one: WatchedLot, mark: Mark, renewed_after: dt.timedelta) -> bool:
    return mark.price != one.mark_price or one.marked_at is None or mark.at - one.marked_at > renewed_after


def _calendar(snapshot: Snapshot | None) -> MarketCalendar:
    if snapshot is not None:
        try:
            return MarketCalendar.from_json(snapshot.sessions)
        except ValueError as error:
            logger.warning("{}", error)
    return MarketCalendar()
