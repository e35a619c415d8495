"""Which streams are ours: leases renewed by the loop that reads, taken when free, and their connections (R3).

A process that stands still renews nothing, so another takes its accounts over; one that goes on afterwards finds its
leases gone, in the statement with which it would write, and closes its connections.
"""

import asyncio
import secrets
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from loguru import logger

from config.celery import RECONCILE_ACCOUNT
from config.settings import AccountSettings
from domain.trade_updates import TradeUpdate
from models.unit import StoreError, Unit
from services.streams import (
    LEASE_S,
    StreamedAccount,
    StreamState,
    begin_stream,
    drop_streams,
    is_mute,
    renew_streams,
    streamed_accounts,
    take_streams,
    tell_streams,
)
from streams.line import LeaseLost, Line
from streams.writer import RECONCILE_EVERY_MS, Writer
from tasks.context import Context

TICK_S = 1.0
_WORDS = 500


@dataclass(frozen=True, slots=True)
class _Look:
    """What the database says: whose streams there should be, which are still ours, new to us, or tell nothing."""

    wanted: Sequence[StreamedAccount]
    renewed: set[str]
    taken: set[str]
    mute: set[uuid.UUID]


class Keeper:
    """The lines of one process."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._owner = ctx.origin.process
        self._lines: dict[uuid.UUID, Line] = {}
        self._ending: dict[uuid.UUID, asyncio.Task[None]] = {}
        self._writer = Writer(ctx, self._lost)
        self._one_at_a_time = asyncio.Semaphore(1)
        self._renewed_ms = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Keep streams until `stop` is set; then hang up and let them go. A writer that fails ends the process."""
        writing = asyncio.create_task(self._writer.run())
        while not stop.is_set():
            if writing.done():
                await writing  # nobody would write what is told: the supervisor starts anew (R30)
            await self._tick()
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await stop.wait()
        held = [line.account.lease for line in self._lines.values()]
        for account_id in list(self._lines):
            self._end(account_id)
        await asyncio.gather(*self._ending.values())
        writing.cancel()
        await asyncio.wait([writing])
        try:
            await asyncio.to_thread(self._drop, held)
        except StoreError:
            logger.info("The leases on {} streams run out by themselves", len(held))

    async def _tick(self) -> None:
        self._sweep()
        asked_ms = self._ctx.clock.monotonic_ms()
        try:
            look = await asyncio.to_thread(self._look, [line.state() for line in self._lines.values()])
        except StoreError as error:
            logger.warning("Streams wait for the database: {}", type(error).__name__)
            if asked_ms - self._renewed_ms > LEASE_S * 1000:
                self._end_all(set(self._lines))
            return
        self._renewed_ms = asked_ms
        self._end_all({key for key, line in self._lines.items() if line.account.lease not in look.renewed | look.taken})
        wanted = {account.account_id: account for account in look.wanted}
        for account_id, line in list(self._lines.items()):
            if account_id not in wanted or _keys(self._section(line.account)) != _keys(line.section):
                self._end(account_id, drop=True)
            elif account_id in look.mute:
                line.hang_up("it did not tell a fill that a poll found")
        for account in look.wanted:
            if account.lease in look.taken and account.account_id not in self._lines:
                self._begin(account)

    def _look(self, states: Sequence[StreamState]) -> _Look:
        held = {state.lease for state in states}
        with self._ctx.database.statement() as unit:
            renewed = renew_streams(unit, sorted(held), self._owner) if held else set()
            untold = tell_streams(unit, [state for state in states if state.lease in renewed], self._owner)
            mute = {account_id for account_id in untold if is_mute(unit, account_id)}
            wanted = [one for one in streamed_accounts(unit) if self._section(one) is not None]
            free = [one.lease for one in wanted if one.lease not in held and one.account_id not in self._ending]
            taken = take_streams(unit, free, self._owner) if free else set()
        return _Look(wanted, renewed, taken, mute)

    def _section(self, account: StreamedAccount) -> AccountSettings | None:
        section = self._ctx.settings.account(account.name)
        return section if section is not None and section.api_key.get_secret_value() else None

    def _begin(self, account: StreamedAccount) -> None:
        section = self._section(account)
        if section is None:
            return
        self._lines[account.account_id] = Line(
            account,
            section,
            feed=partial(self._ctx.brokers.feed, account.name),
            began=self._began,
            told=self._told,
            clock=self._ctx.clock,
            chance=lambda: secrets.randbelow(1000) / 1000,
        )

    async def _began(self, account: StreamedAccount) -> None:
        async with self._one_at_a_time:
            is_ours = await asyncio.to_thread(self._record, account)
        if not is_ours:
            raise LeaseLost
        self._ctx.hints.hint(RECONCILE_ACCOUNT, str(account.account_id), every_ms=RECONCILE_EVERY_MS)

    def _record(self, account: StreamedAccount) -> bool:
        with self._ctx.database.unit() as unit:
            return begin_stream(unit, account, self._owner)

    def _told(self, account: StreamedAccount, update: TradeUpdate) -> None:
        if update.trouble is not None:
            words = update.raw[:_WORDS]
            logger.warning("Stream of {} told what is not understood ({}): {}", account.name, update.trouble, words)
        self._writer.put(account, update)

    def _lost(self, account_id: uuid.UUID) -> None:
        self._end_all({account_id} & set(self._lines))

    def _end_all(self, lost: set[uuid.UUID]) -> None:
        for account_id in lost:
            logger.warning("Stream of {} is no longer ours", self._lines[account_id].account.name)
            self._end(account_id)

    def _end(self, account_id: uuid.UUID, *, drop: bool = False) -> None:
        line = self._lines.pop(account_id)
        self._writer.forget(account_id)
        self._ending[account_id] = asyncio.create_task(self._ended(line, drop=drop))

    async def _ended(self, line: Line, *, drop: bool) -> None:
        await line.stop()
        if drop:
            with suppress(StoreError):  # it runs out by itself
                await asyncio.to_thread(self._drop, [line.account.lease])

    def _drop(self, leases: Sequence[str]) -> None:
        with self._ctx.database.statement() as unit:
            _drop(unit, leases, self._owner)

    def _sweep(self) -> None:
        """Forget what has ended; a line that ended by itself has lost its lease, or met a fault of ours."""
        self._ending = {key: task for key, task in self._ending.items() if not task.done()}
        for account_id, line in list(self._lines.items()):
            if line.is_over:
                self._end(account_id)


def _drop(unit: Unit, leases: Sequence[str], owner: str) -> None:
    if leases:
        drop_streams(unit, leases, owner)


def _keys(section: AccountSettings | None) -> tuple[str, str, str] | None:
    if section is None:
        return None
    return section.base_url, section.api_key.get_secret_value(), section.secret_key.get_secret_value()
