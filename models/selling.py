"""The seller: its switch and its last tick, the lots it watches, its exits, and what each tick was like (MON-002)."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.exits import ExitReason
from models.base import TRADING, Base, Millis, Shares, one_of


class SellModule(Base):
    """One row: whether the seller is to run, who said so, and its last tick by the database's clock.

    `configured` is the last word of `sell_module.enabled`: a change of it is a start or a stop. `generation` rises with
    every restart: a worker of an older one ends itself. `tick_begun_at` is taken by whoever begins a tick,
    `started_at` is since when it runs without a pause.
    """

    __tablename__ = "sell_module"
    __table_args__ = (CheckConstraint("one_row", name="one_row"), {"schema": TRADING})

    one_row: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    running: Mapped[bool]
    configured: Mapped[bool]
    generation: Mapped[int] = mapped_column(server_default=text("0"))
    changed_at: Mapped[dt.datetime]
    changed_by: Mapped[str]
    started_at: Mapped[dt.datetime | None]
    tick_begun_at: Mapped[dt.datetime | None]
    tick_ended_at: Mapped[dt.datetime | None]
    tick_process: Mapped[str | None]


class PositionLot(Base):
    """A position of an account from the fill that opened it to the one that closed it: R20's epoch.

    `qty` is negative when short, `entry_price` the average cost in USD, `moves` how many fills and corrections both
    were folded from. `auto_sell_enabled` is its owner's word, said with an order that added to it or later
    (`auto_sell_by`); it binds every exit. `mark_price` is what it could be closed at when the seller last looked,
    `unrealized_pnl` what that would bring, both in USD.
    """

    __tablename__ = "lots"
    __table_args__ = (
        Index(
            "ix_lots_open",
            "account_id",
            "symbol",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        {"schema": TRADING},
    )

    lot_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{TRADING}.accounts.account_id"))
    symbol: Mapped[str]
    qty: Mapped[Shares]
    entry_price: Mapped[Decimal | None]
    moves: Mapped[int]
    opened_at: Mapped[dt.datetime]
    closed_at: Mapped[dt.datetime | None]
    auto_sell_enabled: Mapped[bool]
    auto_sell_by: Mapped[str]
    mark_price: Mapped[Decimal | None]
    marked_at: Mapped[dt.datetime | None]
    unrealized_pnl: Mapped[Decimal | None]


class Exit(Base):
    """One order of the seller: its id follows from lot and attempt (R20), `reason` says which strategy spoke."""

    __tablename__ = "exits"
    __table_args__ = (
        one_of("reason", ExitReason),
        UniqueConstraint("order_id"),
        Index("ix_exits_decided_at", "decided_at"),
        {"schema": TRADING},
    )

    lot_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{TRADING}.lots.lot_id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{TRADING}.orders.order_id"))
    reason: Mapped[str]
    message: Mapped[str]
    price: Mapped[Decimal]
    price_at: Mapped[dt.datetime]
    price_source: Mapped[str]
    degraded: Mapped[bool] = mapped_column(server_default=text("false"))
    decided_at: Mapped[dt.datetime]


class SellTick(Base):
    """One tick: how long it took (ms), what it looked at, and which prices failed by type; kept a week."""

    __tablename__ = "sell_ticks"
    __table_args__ = (Index("ix_sell_ticks_begun_at", "begun_at"), {"schema": TRADING})

    tick_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    begun_at: Mapped[dt.datetime]
    total_ms: Mapped[Millis]
    price_ms: Mapped[Millis]
    degraded: Mapped[bool]
    process: Mapped[str]
    accounts: Mapped[int]
    positions: Mapped[int]
    requests: Mapped[int]
    exits: Mapped[int]
    failures: Mapped[dict[str, Any]]
    error: Mapped[str | None]
