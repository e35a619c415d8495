"""Positions: the fills' sum, and the corrections that a broker's snapshot made to it, each on record (R19).

`trading.positions` itself is a view over both (account_id, symbol, qty), made by the migration.
"""

import datetime as dt
import uuid
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import TRADING, Base, Shares


class PositionCorrection(Base):
    """A change of what is held that no fill explains: `qty` is the difference, shorts are negative."""

    __tablename__ = "position_corrections"
    __table_args__ = (
        Index("ix_position_corrections_account_id_symbol", "account_id", "symbol"),
        Index("ix_position_corrections_recorded_at", "recorded_at", postgresql_using="brin"),
        {"schema": TRADING},
    )

    correction_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{TRADING}.accounts.account_id"))
    symbol: Mapped[str]
    qty: Mapped[Shares]
    old_qty: Mapped[Shares]
    new_qty: Mapped[Shares]
    price: Mapped[Decimal | None]
    occurred_at: Mapped[dt.datetime]
    recorded_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))


class PositionDifference(Base):
    """A difference that one read has seen and the next must see again before anything is corrected."""

    __tablename__ = "position_differences"
    __table_args__ = {"schema": TRADING}

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{TRADING}.accounts.account_id"), primary_key=True)
    symbol: Mapped[str] = mapped_column(primary_key=True)
    ledger_qty: Mapped[Shares]
    broker_qty: Mapped[Shares]
    seen_at: Mapped[dt.datetime]
