"""Accounts, their balances, and the history of what kind of account they are."""

import datetime as dt
import uuid
from decimal import Decimal

from sqlalchemy import ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.account_type import AccountType, AccountTypeSource
from models.base import TRADING, Base, one_of


class Account(Base):
    """A broker account. Keys are not here, only a hash that tells when they change.

    `type_read_at` is null until the broker's number was read once with this endpoint and these keys (R24).
    `confirmed_number` is the first number read, or the one an admin has confirmed since; once another was read, at
    `number_changed_at`, entries stop until it is confirmed. `type_mismatch` says what contradicts the configuration,
    `entries_blocked` every reason there is. `reconciled_from` is when the last finished reconcile began, by the
    database's clock; null until one has with this endpoint and these keys. `enabled` is the word of secrets.yml,
    `disabled_by` that of an admin.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        one_of("account_type", AccountType),
        one_of("account_type_source", AccountTypeSource),
        UniqueConstraint("name"),
        {"schema": TRADING},
    )

    account_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    broker: Mapped[str]
    base_url: Mapped[str]
    key_fingerprint: Mapped[str]
    account_number: Mapped[str | None]
    account_type: Mapped[str]
    account_type_source: Mapped[str]
    type_read_at: Mapped[dt.datetime | None]
    entries_blocked: Mapped[str | None]
    confirmed_number: Mapped[str | None]
    number_changed_at: Mapped[dt.datetime | None]
    type_mismatch: Mapped[str | None]
    reconciled_from: Mapped[dt.datetime | None]
    enabled: Mapped[bool]
    disabled_by: Mapped[str | None]
    disabled_at: Mapped[dt.datetime | None]
    minimum_balance: Mapped[Decimal | None]
    balance_check_enabled: Mapped[bool | None]
    balance_rule: Mapped[str | None]
    on_balance_error: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))


class Balance(Base):
    """The last balance read of an account, in USD. `read_seq` was drawn before the request was sent (R18)."""

    __tablename__ = "balances"
    __table_args__ = {"schema": TRADING}

    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(f"{TRADING}.accounts.account_id"), primary_key=True)
    cash: Mapped[Decimal]
    buying_power: Mapped[Decimal]
    equity: Mapped[Decimal]
    read_seq: Mapped[int]
    read_at: Mapped[dt.datetime]
