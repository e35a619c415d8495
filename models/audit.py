"""The audit trail: append-only, partitioned by month, written once and read by officers (TRD-001, R29).

`xid` and `recorded_at` are the database's own: the writer has no right to give them. Triggers and grants are in
`migrations/sql/`; there is no default partition and no CHECK that could refuse a late event.
"""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, LargeBinary, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import AUDIT, TRADING, Base

_MILLIS = Numeric(12, 3)


def _by_xid(table: str) -> Index:
    """Return what finds the rows of a range of transactions: rows lie in their order, so a range of pages is enough.

    Ranges of 128 pages: what they are summed up by takes 256 requests a minute, and small ranges made more of them.
    """
    return Index(
        f"ix_{table}_xid",
        "xid",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 128, "autosummarize": True},
    )


class OrderEventRow(Base):
    """One thing that happened to an order. `total_ms` is the whole operation, `network_ms` the time on the wire.

    `corrects_seq` names the event of the same order that this one corrects: nothing written is changed.
    """

    __tablename__ = "order_events"
    __table_args__ = (
        ForeignKeyConstraint(
            ["order_id", "order_date"], [f"{TRADING}.orders.order_id", f"{TRADING}.orders.order_date"]
        ),
        Index("ix_order_events_account_day", "account_id", "order_date", "occurred_at"),
        # all that percentiles are made of, and the keys of the joins that a planner leaves out: the rows stay unread
        Index(
            "ix_order_events_timing",
            "account_type",
            "order_date",
            postgresql_include=[
                "order_id",
                "account_id",
                "account_type_source",
                "stage",
                "event_type",
                "total_ms",
                "network_ms",
            ],
            postgresql_where=text("total_ms IS NOT NULL AND event_type NOT IN ('requested', 'submitting')"),
        ),
        # what most orders never see; the common kinds would cost every insert and find nothing faster
        Index(
            "ix_order_events_kind",
            "event_type",
            "order_date",
            postgresql_where=text(
                "event_type NOT IN ('requested', 'submitting', 'accepted', 'partially_filled', 'filled')"
            ),
        ),
        Index(
            "ix_order_events_reason",
            "reason_code",
            "order_date",
            postgresql_where=text("reason_code IS NOT NULL"),
        ),
        _by_xid("order_events"),
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
    corrects_seq: Mapped[int | None]


class Operation(Base):
    """A timed operation that is no order: balance and price reads, refusals before an order exists, logins."""

    __tablename__ = "operations"
    __table_args__ = (
        Index("ix_operations_account_id_occurred_at", "account_id", "occurred_at"),
        # reads that come every few seconds are most rows by far, and nobody looks for them
        Index(
            "ix_operations_kind",
            "operation",
            "op_date",
            postgresql_where=text("operation NOT IN ('balance_read', 'price_read', 'reconcile')"),
        ),
        _by_xid("operations"),
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
    corrects: Mapped[uuid.UUID | None]


class ConfigChange(Base):
    """A change of settings, accounts, users, start or stop: who, old, new. Values that are secret say so, no more."""

    __tablename__ = "config_changes"
    __table_args__ = (_by_xid("config_changes"), {"schema": AUDIT})

    change_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subject: Mapped[str]
    old: Mapped[dict[str, Any] | None]
    new: Mapped[dict[str, Any] | None]
    actor: Mapped[str]
    host: Mapped[str]
    occurred_at: Mapped[dt.datetime]
    recorded_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    xid: Mapped[int] = mapped_column(server_default=text("(pg_current_xact_id()::text)::bigint"))
    corrects: Mapped[uuid.UUID | None]


class AccountTypeChange(Base):
    """One reading of an account's type that differs from the one before."""

    __tablename__ = "account_type_changes"
    __table_args__ = (_by_xid("account_type_changes"), {"schema": AUDIT})

    change_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{TRADING}.accounts.account_id"), index=True)
    occurred_at: Mapped[dt.datetime]
    old_type: Mapped[str | None]
    new_type: Mapped[str]
    old_source: Mapped[str | None]
    new_source: Mapped[str]
    old_number: Mapped[str | None]
    new_number: Mapped[str | None]
    reason: Mapped[str | None]
    actor: Mapped[str]
    recorded_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    xid: Mapped[int] = mapped_column(server_default=text("(pg_current_xact_id()::text)::bigint"))


class ClockCheck(Base):
    """How far a host's clock may be off UTC, as its kernel knows it (`source`), and off the database's clock.

    `offset_ms` is what the time service is still correcting, `max_error_ms` its bound, `database_offset_ms` the host's
    clock minus the database's. `synchronized` is None where nobody can say.
    """

    __tablename__ = "clock_checks"
    __table_args__ = (
        Index("ix_clock_checks_occurred_at", "occurred_at"),
        _by_xid("clock_checks"),
        {"schema": AUDIT},
    )

    check_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    host: Mapped[str]
    process: Mapped[str]
    occurred_at: Mapped[dt.datetime]
    source: Mapped[str]
    synchronized: Mapped[bool | None]
    offset_ms: Mapped[Decimal | None] = mapped_column(_MILLIS)
    max_error_ms: Mapped[Decimal | None] = mapped_column(_MILLIS)
    database_offset_ms: Mapped[Decimal | None] = mapped_column(_MILLIS)
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    recorded_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    xid: Mapped[int] = mapped_column(server_default=text("(pg_current_xact_id()::text)::bigint"))


class RetiredPart(Base):
    """A month that has left the trail after its years: the file that its rows lie in, who did it, and when.

    Written by `audit.retire_part` alone (migrations/sql/), in the transaction that detaches the partition.
    """

    __tablename__ = "retired_parts"
    __table_args__ = ({"schema": AUDIT},)

    part: Mapped[str] = mapped_column(primary_key=True)
    rows: Mapped[int]
    file: Mapped[str]
    sha256: Mapped[str]
    retired_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))
    actor: Mapped[str]


class Seal(Base):
    """A signed statement about all audit rows of the transactions `from_xid` <= xid < `to_xid` (domain/seals.py).

    `parts` has count and Merkle root of each table's month, `root` theirs; `hash` covers everything here and the hash
    of the seal before it. An epoch begins where transaction numbers begin anew, which is after a restore.
    """

    __tablename__ = "seals"
    __table_args__ = (
        UniqueConstraint("previous_hash"),
        UniqueConstraint("epoch", "from_xid"),
        Index("ix_seals_sealed_at", "sealed_at"),
        {"schema": AUDIT},
    )

    seal_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    format: Mapped[int]
    epoch: Mapped[int]
    epoch_began_at: Mapped[dt.datetime]
    from_xid: Mapped[int]
    to_xid: Mapped[int]
    row_count: Mapped[int]
    parts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str]
    host: Mapped[str]
    sealed_at: Mapped[dt.datetime]
