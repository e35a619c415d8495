"""What the seller needs to go on without Postgres: in memory, and in a file that outlives its process (R21).

Renewed with each tick, for its user alone: the lots with their owners' words, what was sent for each, the orders whose
time runs out, whether the seller is to run, and the coming sessions.
"""

import datetime as dt
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from loguru import logger

from domain.exits import OpenLot
from domain.occ import is_occ_symbol
from domain.order_state import OrderStatus
from domain.orders import AssetClass
from services.lots import LastExit, WatchedLot
from services.order_sweep import WorkingOrder

TOO_OLD = dt.timedelta(hours=24)
_RENEWED = dt.timedelta(seconds=60)  # the file of a seller that nothing happens to


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How everything stood at `taken_at`."""

    taken_at: dt.datetime
    running: bool
    lots: Sequence[WatchedLot]
    working: Sequence[WorkingOrder]
    sessions: Mapping[str, Any]

    def says_what(self, other: "Snapshot | None") -> bool:
        """Return whether another one, not much older, holds the same: its file need not be written anew."""
        return other is not None and self.taken_at - other.taken_at < _RENEWED and _content(self) == _content(other)

    def save(self, path: Path) -> None:
        """Write the file anew: whole or not at all, and on the disk before anybody goes on. Raises OSError."""
        text = json.dumps(self._shown(), default=str)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        staged = path.with_name(f".{path.name}.new")
        staged.unlink(missing_ok=True)
        file = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as writer:
            writer.write(text)
            writer.flush()
            os.fsync(file)
        staged.replace(path)
        _sync(path.parent)

    def _shown(self) -> dict[str, Any]:
        return {
            "taken_at": self.taken_at,
            "running": self.running,
            "lots": [_shown(one) for one in self.lots],
            "working": [asdict(one) for one in self.working],
            "sessions": self.sessions,
        }


def load_snapshot(path: Path, now: dt.datetime) -> Snapshot | None:
    """Return what the file holds; None without one, and where it cannot be read or is older than a day."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        snapshot = Snapshot(
            taken_at=_time(found["taken_at"]),
            running=found["running"] is True,
            lots=[_lot(one) for one in found["lots"]],
            working=[_working(one) for one in found["working"]],
            sessions=found["sessions"],
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as error:
        logger.error("The seller's snapshot cannot be read, and is not used: {}", type(error).__name__)
        return None
    if now - snapshot.taken_at > TOO_OLD:
        logger.error("The seller's snapshot is of {}, and is not used", snapshot.taken_at.isoformat())
        return None
    return snapshot


def _content(snapshot: Snapshot) -> tuple[object, ...]:
    lots = [(one.lot, one.last_exit) for one in snapshot.lots]
    return snapshot.running, lots, snapshot.working, snapshot.sessions


def _shown(watched: WatchedLot) -> dict[str, Any]:
    lot, last = watched.lot, watched.last_exit  # by hand: `asdict` takes longer than all else of a tick
    return {
        "lot_id": lot.lot_id,
        "account_id": lot.account_id,
        "symbol": lot.symbol,
        "qty": lot.qty,
        "entry_price": lot.entry_price,
        "opened_at": lot.opened_at,
        "auto_sell_enabled": lot.auto_sell_enabled,
        "account": watched.account,
        "account_type": watched.account_type,
        "account_type_source": watched.account_type_source,
        "base_url": watched.base_url,
        "last_exit": None if last is None else asdict(last),
    }


def _lot(found: Mapping[str, Any]) -> WatchedLot:
    last = found["last_exit"]
    return WatchedLot(
        lot=OpenLot(
            lot_id=uuid.UUID(found["lot_id"]),
            account_id=uuid.UUID(found["account_id"]),
            symbol=found["symbol"],
            asset_class=AssetClass.OPTION if is_occ_symbol(found["symbol"]) else AssetClass.STOCK,
            qty=Decimal(found["qty"]),
            entry_price=None if found["entry_price"] is None else Decimal(found["entry_price"]),
            opened_at=_time(found["opened_at"]),
            auto_sell_enabled=found["auto_sell_enabled"] is True,
        ),
        account=found["account"],
        account_type=found["account_type"],
        account_type_source=found["account_type_source"],
        base_url=found["base_url"],
        reconciled_from=None,
        last_exit=None if last is None else _last(last),
    )


def _last(found: Mapping[str, Any]) -> LastExit:
    given = dict(found) | {"status": OrderStatus(found["status"]), "since": _time(found["since"])}
    return LastExit(**given)


def _working(found: Mapping[str, Any]) -> WorkingOrder:
    ids = {name: uuid.UUID(found[name]) for name in ("order_id", "account_id")}
    return WorkingOrder(**dict(found) | ids | {"cancel_after": _time(found["cancel_after"])})


def _time(value: str) -> dt.datetime:
    return dt.datetime.fromisoformat(value)


def tried(watched: WatchedLot, attempt: int, reason: str, now: dt.datetime) -> WatchedLot:
    """Return the lot as it stands once an exit was written for it."""
    return replace(watched, last_exit=LastExit(attempt, OrderStatus.REQUESTED, reason, now, 0, 0))


def file_beside(spool: Path) -> Path:
    """Return where a process keeps its snapshot."""
    return spool.with_suffix(".snapshot.json")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
