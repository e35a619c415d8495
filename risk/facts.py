"""What a pre-trade rule may look at: frozen facts, read under the account's lock, nothing fetched."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from domain.account_type import AccountType, AccountTypeSource
from domain.balance import BalanceRule, OnBalanceError
from domain.order_state import OrderStatus
from domain.orders import OrderTerms
from domain.venue import EndpointKind


@dataclass(frozen=True, slots=True)
class StoredBalance:
    """The last balance read, in USD, and its age in seconds by the database's clock."""

    cash: Decimal
    age_s: Decimal


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """The account: type and its source, endpoint, thresholds that apply to it (its own or the global ones).

    `enabled` is the word of secrets.yml; `disabled_by` names the admin who has switched the account off.
    `unreconciled_since` is when this process started, while no reconcile that began later has finished.
    """

    name: str
    enabled: bool
    disabled_by: str | None
    account_type: AccountType
    account_type_source: AccountTypeSource
    type_was_read: bool
    endpoint: EndpointKind
    entries_blocked: str | None
    number_changed: bool
    balance_check_enabled: bool
    minimum_balance: Decimal
    balance_rule: BalanceRule
    on_balance_error: OnBalanceError
    balance_max_age: dt.timedelta
    unreconciled_since: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Replaced:
    """The order whose place this one takes: what it reserves (USD), and what it filled since the request (R27)."""

    order_id: uuid.UUID
    status: OrderStatus
    reserved: Decimal
    is_being_canceled: bool
    is_being_replaced: bool
    filled_since: Decimal


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything one verdict is made from. `is_exit`: the order closes what is held, and can open nothing (R23).

    `is_reduce_only`: it is the seller's, and may do nothing else; `closable_qty` is how much it may close.
    `trail_goes_on`: the audit trail has a partition for next month too.
    """

    now: dt.datetime
    place_before: dt.datetime
    terms: OrderTerms
    account: AccountFacts
    balance: StoredBalance | None
    reserved: Decimal
    order_cost: Decimal | None
    is_exit: bool = False
    is_reduce_only: bool = False
    closable_qty: Decimal | None = None
    replaced: Replaced | None = None
    trail_goes_on: bool = True
