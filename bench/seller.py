"""The seller of the stack that is measured: switched on and off, given positions, and brought into trouble."""

import datetime as dt
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import product

from bench.world import ACCOUNTS, World

WORKER = "worker-sell"
_PATIENCE_S = 90
_PRICES = r"^/v1beta1/options/(quotes/latest|trades/latest|snapshots)$"
_PRICE_PATHS = ("/v1beta1/options/", "/v2/stocks/")
_PAID_USD = "5"
_MOST_GRANTS = 1000

_NOW = "SELECT clock_timestamp()"
_WATCHED = "SELECT count(*) FROM trading.lots WHERE closed_at IS NULL AND auto_sell_enabled AND length(symbol) > 12"
_BUSY = """
SELECT 1 FROM trading.sell_module
 WHERE tick_begun_at > greatest(tick_ended_at, clock_timestamp() - interval '10 seconds')
"""  # one that was cut short has no end
_TICKS = """
SELECT begun_at, total_ms::float8, price_ms::float8, requests FROM trading.sell_ticks
 WHERE begun_at > %s AND error IS NULL ORDER BY begun_at
"""

State = Callable[[], AbstractContextManager[None]]
Tick = tuple[dt.datetime, float, float, int]
"""When it began, ms of it, ms of its prices, and the requests it sent."""


class Seller:
    """The handles of a running seller; `back_s` are seconds from each kill -9 to the next tick."""

    def __init__(self, world: World) -> None:
        self.back_s: list[float] = []
        self._world = world

    def grant(self, symbols: list[str], watched: int) -> None:
        """Give positions to all accounts in turn; return when the seller watches so many. RuntimeError after 90 s."""
        positions = [
            {"account": ACCOUNTS[number % len(ACCOUNTS)], "symbol": symbol, "qty": "1", "price": _PAID_USD}
            for number, symbol in enumerate(symbols)
        ]
        for start in range(0, len(positions), _MOST_GRANTS):
            self._world.script("POST", "/positions", {"positions": positions[start : start + _MOST_GRANTS]})
        self._turn("start")
        _await(lambda: self._world.rows(_WATCHED)[0][0] >= watched, f"{watched} positions that the seller watches")

    def ticks(self, count: int) -> list[Tick]:
        """Let it tick so often, from off to off. RuntimeError after 90 s."""
        began = self._now()
        self._turn("start")
        _await(lambda: len(self._world.rows(_TICKS, began)) >= count, f"{count} ticks")
        self.stop()
        return self._world.rows(_TICKS, began)

    def stop(self) -> None:
        """Switch it off; return when no tick is under way."""
        self._turn("stop")
        _await(lambda: not self._world.rows(_BUSY), "the end of a tick")

    def requests(self) -> int:
        """Count the questions about prices that the exchange has had."""
        counted = self._world.script("GET", "/requests")["requests"]
        return sum(one["count"] for one in counted if one["path"].startswith(_PRICE_PATHS))

    @contextmanager
    def off(self) -> Iterator[None]:
        """Keep it off."""
        self.stop()
        yield

    @property
    def states(self) -> dict[str, State]:
        """Give what else it may be like while the API is under load, by name."""
        return {
            "on": self._on,
            "on, price endpoints hang": self._hanging,
            "worker stopped (SIGSTOP)": self._frozen,
            "worker killed (kill -9)": self._killed,
        }

    @contextmanager
    def _on(self) -> Iterator[None]:
        self._turn("start")
        self._await_tick(self._now())
        yield

    @contextmanager
    def _hanging(self) -> Iterator[None]:
        with self._on():
            fault = self._world.script("POST", "/faults", {"kind": "hang", "path": _PRICES, "times": None})["id"]
            try:
                yield
            finally:
                self._world.script("DELETE", f"/faults/{fault}")

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        with self._on():
            pid = self._world.pids()[WORKER]
            os.kill(pid, signal.SIGSTOP)
            try:
                yield
            finally:
                with suppress(ProcessLookupError):  # whoever watches over it has replaced it
                    os.kill(pid, signal.SIGCONT)

    @contextmanager
    def _killed(self) -> Iterator[None]:
        with self._on():
            os.kill(self._world.pids()[WORKER], signal.SIGKILL)
            killed = self._now()
            yield
            self.back_s.append((self._await_tick(killed) - killed).total_seconds())

    def _turn(self, action: str) -> None:
        self._world.ask("POST", "/api/v1/sell/control", {"action": action})

    def _now(self) -> dt.datetime:
        now: dt.datetime = self._world.rows(_NOW)[0][0]
        return now

    def _await_tick(self, since: dt.datetime) -> dt.datetime:
        _await(lambda: bool(self._world.rows(_TICKS, since)), "a tick")
        began: dt.datetime = self._world.rows(_TICKS, since)[0][0]
        return began


def symbols(count: int) -> list[str]:
    """Name so many options, at most 5,000."""
    strikes = (f"{strike:05d}000" for strike in range(1, 501))
    named = product(strikes, ("AAPL", "MSFT", "TSLA", "SPY", "NVDA"), "CP")
    return [f"{stock}271217{right}{strike}" for strike, stock, right in named][:count]


def _await(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {_PATIENCE_S} s")
        time.sleep(0.2)
