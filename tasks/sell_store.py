"""Whether the seller can reach Postgres: while it cannot, a thread asks for it, and no tick waits for the answer."""

import threading

from loguru import logger

from models.session import Database
from models.unit import StoreError

_LOOK_S = 0.5


class StoreWatch:
    """Lost at the first failure, back at the first answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_away = threading.Event()
        self._closed = threading.Event()

    @property
    def is_away(self) -> bool:
        """Whether the last that was heard of it is a failure."""
        return self._is_away.is_set()

    def lost(self) -> None:
        """Begin to ask for it."""
        if not self._is_away.is_set():
            self._is_away.set()
            threading.Thread(target=self._ask, name="sell-store", daemon=True).start()

    def close(self) -> None:
        """Ask no more."""
        self._closed.set()

    def _ask(self) -> None:
        while not self._closed.wait(_LOOK_S):
            try:
                with self._database.statement() as unit:
                    unit.row("SELECT 1")
            except StoreError:
                continue
            logger.info("The seller has the database back")
            self._is_away.clear()
            return
