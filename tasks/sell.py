"""Ticks of the seller as tasks, and the metronome that keeps their interval when no task comes (R21)."""

import os
import signal
import threading
from functools import cache

from loguru import logger

from config.celery import SELL_TICK
from models.unit import StoreError
from tasks.app import app
from tasks.context import context
from tasks.sell_decisions import moment_of
from tasks.seller import Seller

_LOOK_S = 0.25
_LATE_MS = 750  # so long after its time nobody else will bring the tick


@app.task(name=SELL_TICK)
def tick() -> None:
    """Tick if it is time."""
    seller().tick()


@cache
def seller() -> Seller:
    """Return this process's seller. A restart is a warm end: whoever supervises the process starts it again."""
    return Seller(context(), restart=lambda: os.kill(os.getpid(), signal.SIGTERM))


class Metronome:
    """A thread that ticks when no message has come in time."""

    def __init__(self, of: Seller) -> None:
        self._seller = of
        self._stop = threading.Event()
        self._by_itself = False
        self._thread = threading.Thread(target=self._run, name="metronome", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a tick that runs is waited for."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Tick when it is time and no message has come."""
        interval_ms = self._seller.ctx.settings.sell_module.check_interval.total_seconds() * 1000
        late_ms = 0 if self._by_itself else _LATE_MS
        if self._seller.waited_ms() < interval_ms + late_ms:
            return
        self._by_itself = self._seller.tick()

    def _run(self) -> None:
        moment_of(self._seller.calendar, self._seller.ctx.clock.now())  # loaded here, it delays no tick
        while not self._stop.wait(_LOOK_S):
            try:
                self.look()
            except StoreError as error:
                logger.debug("No tick: {}", type(error).__name__)  # a database without our tables, before migrations
            except Exception as error:  # noqa: BLE001  a metronome that died would leave positions unwatched
                logger.opt(exception=error).error("A tick of the seller failed: {}", type(error).__name__)
