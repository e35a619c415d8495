"""Orders, their fills, and the instruments they may name."""

import datetime as dt
import uuid
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.order_state import OrderStatus
from domain.orders import OrderType, PositionIntent, Side, TimeInForce
from models.base import TRADING, Base, Shares, one_of


class Order(Base):
    """One order; the row is its own outbox: `due_at` says when the next step is due, whatever the status (R1).

    What the next step is follows from the status: place (requested), look up (submitting past its lease, unknown),
    poll (accepted, partially_filled). `fence` rises with every claim, so that a stopped worker's answer is refused.
    `reserved` is what the open part may still cost (USD), `spent` what its fills cost and the stored balance may not
    show yet: freed by two balance reads that began after `spent_seq` was drawn and agree (R17, R18).
    Every fill before `fills_known_at` is here: the next read of fills begins there, not at the order's beginning.
    `most_shares` bounds what a sell by notional value may take from the holding (R19). `cancel_due_at` says when the
    broker is asked (again) to cancel, until the order has ended (R13). A replacement is an order of its own that
    `replaces` another, of which it knew `replaced_filled` when it was sent (R27). `adopted_by` names the operator who
    has said that whatever the broker has under our id is ours. `cancel_after_s` is how long the order may work:
    `cancel_after` is set by it once the broker has the order, and is when its end is asked for (CFG-002).
    `auto_sell_enabled` is what the order says of the lot it opens.
    """

    __tablename__ = "orders"
    __table_args__ = (
        one_of("status", OrderStatus),
        one_of("side", Side),
        one_of("order_type", OrderType),
        one_of("time_in_force", TimeInForce),
        one_of("position_intent", PositionIntent),
        CheckConstraint("(qty IS NULL) <> (notional IS NULL)", name="qty_or_notional"),
        UniqueConstraint("account_id", "client_order_id"),
        UniqueConstraint("account_id", "broker_client_id"),
        UniqueConstraint("order_id", "order_date"),
        Index("ix_orders_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_orders_cancel_due_at", "cancel_due_at", postgresql_where=text("cancel_due_at IS NOT NULL")),
        Index("ix_orders_cancel_after", "cancel_after", postgresql_where=text("cancel_after IS NOT NULL")),
        Index("ix_orders_replaces", "replaces", postgresql_where=text("replaces IS NOT NULL")),
        Index("ix_orders_reserved", "account_id", postgresql_where=text("reserved > 0 OR spent > 0")),
        Index(
            "ix_orders_open_sells",
            "account_id",
            "symbol",
            postgresql_where=text(
                "side = 'sell' AND status IN ('submitting', 'unknown', 'accepted', 'partially_filled', 'quarantined')"
            ),
        ),
        Index("ix_orders_quarantined", "account_id", postgresql_where=text("status = 'quarantined'")),
        Index("ix_orders_account_id_requested_at", "account_id", "requested_at"),
        Index("ix_orders_requested_at_order_id", "requested_at", "order_id"),
        Index(
            "ix_orders_open",
            "requested_at",
            "order_id",
            postgresql_where=text("status NOT IN ('filled', 'canceled', 'expired', 'replaced', 'rejected')"),
        ),
        {"schema": TRADING},
    )

    order_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    order_date: Mapped[dt.date]
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{TRADING}.accounts.account_id"))
    account_type: Mapped[str]
    account_type_source: Mapped[str]
    client_order_id: Mapped[str]
    broker_client_id: Mapped[str]
    broker_order_id: Mapped[str | None]
    request_hash: Mapped[bytes]
    symbol: Mapped[str]
    asset_class: Mapped[str]
    side: Mapped[str]
    order_type: Mapped[str]
    time_in_force: Mapped[str]
    qty: Mapped[Shares | None]
    notional: Mapped[Decimal | None]
    limit_price: Mapped[Decimal | None]
    stop_price: Mapped[Decimal | None]
    trail_price: Mapped[Decimal | None]
    trail_percent: Mapped[Decimal | None]
    extended_hours: Mapped[bool] = mapped_column(server_default=text("false"))
    position_intent: Mapped[str | None]
    most_shares: Mapped[Shares | None]
    replaces: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(f"{TRADING}.orders.order_id"))
    replaced_filled: Mapped[Shares | None]
    adopted_by: Mapped[str | None]
    multiplier: Mapped[Decimal]
    status: Mapped[str]
    rejected_by: Mapped[str | None]
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]
    filled_qty: Mapped[Shares] = mapped_column(server_default=text("0"))
    filled_avg_price: Mapped[Decimal | None]
    fills_known_at: Mapped[dt.datetime | None]
    reserved: Mapped[Decimal] = mapped_column(server_default=text("0"))
    spent: Mapped[Decimal] = mapped_column(server_default=text("0"))
    spent_seq: Mapped[int | None]
    due_at: Mapped[dt.datetime | None]
    cancel_due_at: Mapped[dt.datetime | None]
    cancel_reason: Mapped[str | None]
    cancel_attempts: Mapped[int] = mapped_column(server_default=text("0"))
    auto_sell_enabled: Mapped[bool | None]
    cancel_after_s: Mapped[Decimal | None] = mapped_column(Numeric(12, 3))
    cancel_after: Mapped[dt.datetime | None]
    place_before: Mapped[dt.datetime]
    hints: Mapped[int] = mapped_column(server_default=text("0"))
    next_hint_at: Mapped[dt.datetime | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[dt.datetime | None]
    fence: Mapped[int] = mapped_column(server_default=text("0"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    last_seq: Mapped[int] = mapped_column(server_default=text("1"))
    source: Mapped[str]
    actor: Mapped[str]
    trace_id: Mapped[str]
    requested_at: Mapped[dt.datetime]
    submitted_at: Mapped[dt.datetime | None]
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class Fill(Base):
    """One execution. On Alpaca its key is the broker's order id and the cumulative quantity (R15)."""

    __tablename__ = "fills"
    __table_args__ = (
        ForeignKeyConstraint(["order_id"], [f"{TRADING}.orders.order_id"]),
        UniqueConstraint("account_id", "broker_order_id", "cum_qty"),
        Index("ix_fills_account_id_symbol", "account_id", "symbol"),
        Index("ix_fills_order_id", "order_id"),
        Index("ix_fills_recorded_at", "recorded_at", postgresql_using="brin"),
        {"schema": TRADING},
    )

    fill_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{TRADING}.accounts.account_id"))
    order_id: Mapped[uuid.UUID]
    broker_order_id: Mapped[str]
    broker_fill_id: Mapped[str]
    symbol: Mapped[str]
    side: Mapped[str]
    qty: Mapped[Shares]
    price: Mapped[Decimal]
    cum_qty: Mapped[Shares]
    occurred_at: Mapped[dt.datetime]
    recorded_at: Mapped[dt.datetime] = mapped_column(server_default=text("clock_timestamp()"))


class InstrumentRow(Base):
    """What a broker lists, synced by a worker, so that the API can refuse unknown symbols without asking anybody."""

    __tablename__ = "instruments"
    __table_args__ = {"schema": TRADING}

    broker: Mapped[str] = mapped_column(primary_key=True)
    symbol: Mapped[str] = mapped_column(primary_key=True)
    asset_class: Mapped[str]
    name: Mapped[str]
    tradable: Mapped[bool]
    fractionable: Mapped[bool]
    synced_at: Mapped[dt.datetime]
