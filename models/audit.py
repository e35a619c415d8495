"""The audit trail: append-only, partitioned by month, written once and read by officers (TRD-001, R29).

`xid` and `recorded_at` are the database's own: the writer has no right to give them. Triggers and grants are in
`migrations/sql/`; there is no default partition and no CHECK that could refuse a late event.
"""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import AUDIT, TRADING, Base

_MILLIS = Numeric(12, 3)


class OrderEventRow(Base):
    """One thing that happened to an order. `total_ms` is the whole operation, `network_ms` the time on the wire."""

    __tablename__ = "order_events"
    __table_args__ = (
        ForeignKeyConstraint(
            ["order_id", "order_date"], [f"{TRADING}.orders.order_id", f"{TRADING}.orders.order_date"]
        ),
        Index("ix_order_events_account_id_occurred_at", "account_id", "occurred_at"),
        Index(
            "ix_order_events_reason",
            "event_type",
            "reason_code",
            "occurred_at",
            postgresql_where=text("reason_code IS NOT NULL"),
        ),
        {"schema": AUDIT, "postgresql_partition_by": "RANGE (order_date)"},
    )

    order_date: Mapped[dt.date] = mapped_column(primary_key=True)
    order_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID]
    account_type: Mapped[str]
    account_type_source: Mapped[str]
    event_type: Mapped[str]
    stage: Mapped[str]
    success: Mapped[bool]
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]
    started_at: Mapped[dt.datetime | None]
    occurred_at: Mapped[dt.datetime]
    recorded_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    total_ms: Mapped[Decimal | None] = mapped_column(_MILLIS)
    network_ms: Mapped[Decimal | None] = mapped_column(_MILLIS)
    source: Mapped[str]
    actor: Mapped[str]
    host: Mapped[str]
    process: Mapped[str]
    trace_id: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    xid: Mapped[int] = mapped_column(server_default=text("(pg_current_xact_id()::text)::bigint"))


class Operation(Base):
    """A timed operation that is no order: balance and price reads, refusals before an order exists, logins."""

    __tablename__ = "operations"
    __table_args__ = (
        Index("ix_operations_account_id_occurred_at", "account_id", "occurred_at"),
        {"schema": AUDIT, "postgresql_partition_by": "RANGE (op_date)"},
    )

    op_date: Mapped[dt.date] = mapped_column(primary_key=True)
    operation_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    operation: Mapped[str]
    account_id: Mapped[uuid.UUID | None]
    account_name: Mapped[str | None]
    account_type: Mapped[str | None]
    account_type_source: Mapped[str | None]
    symbol: Mapped[str | None]
    success: Mapped[bool]
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]
    started_at: Mapped[dt.datetime]
    occurred_at: Mapped[dt.datetime]
    recorded_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    total_ms: Mapped[Decimal] = mapped_column(_MILLIS)
    network_ms: Mapped[Decimal | None] = mapped_column(_MILLIS)
    source: Mapped[str]
    actor: Mapped[str]
    host: Mapped[str]
    process: Mapped[str]
    trace_id: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    xid: Mapped[int] = mapped_column(server_default=text("(pg_current_xact_id()::text)::bigint"))


class ConfigChange(Base):
    """A change of settings, accounts, users, start or stop: who, old, new. Values that are secret say so, no more."""

    __tablename__ = "config_changes"
    __table_args__ = {"schema": AUDIT}

    change_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subject: Mapped[str]
    old: Mapped[dict[str, Any] | None]
    new: Mapped[dict[str, Any] | None]
    actor: Mapped[str]
    host: Mapped[str]
    occurred_at: Mapped[dt.datetime]
    recorded_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    xid: Mapped[int] = mapped_column(server_default=text("(pg_current_xact_id()::text)::bigint"))
