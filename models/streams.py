"""What the brokers' streams said, event by event, and how each account's stream is doing (R15, R31)."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import TRADING, Base, Shares


class BrokerInboxRow(Base):
    """One event of a stream as it came. `applied_at` is null until `outcome` says what became of it.

    Every event is kept, one that nobody could read as well; the same event told twice is one row.
    """

    __tablename__ = "broker_inbox"
    __table_args__ = (
        UniqueConstraint("account_id", "event_key"),
        Index("ix_broker_inbox_account_id_broker_order_id", "account_id", "broker_order_id"),
        Index("ix_broker_inbox_open", "account_id", postgresql_where=text("applied_at IS NULL")),
        {"schema": TRADING},
    )

    inbox_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{TRADING}.accounts.account_id"))
    event_key: Mapped[str]
    event: Mapped[str]
    broker_order_id: Mapped[str | None]
    broker_client_id: Mapped[str | None]
    cum_qty: Mapped[Shares | None]
    raw: Mapped[dict[str, Any]] = mapped_column(JSONB)
    received_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    applied_at: Mapped[dt.datetime | None]
    outcome: Mapped[str | None]


class StreamRow(Base):
    """An account's stream: who has it since when, and until when what it tells may be relied on.

    `healthy_until` lies ahead while the stream is connected and its holder renews its lease: polls go at R31's slow
    pace then. `untold_at` is when a poll wrote a fill that the stream should have told before.
    """

    __tablename__ = "streams"
    __table_args__ = {"schema": TRADING}

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{TRADING}.accounts.account_id"), primary_key=True)
    holder: Mapped[str]
    connected_since: Mapped[dt.datetime | None]
    last_frame_at: Mapped[dt.datetime | None]
    last_heard_at: Mapped[dt.datetime | None]
    reconnects: Mapped[int] = mapped_column(server_default=text("0"))
    healthy_until: Mapped[dt.datetime | None]
    untold_at: Mapped[dt.datetime | None]
