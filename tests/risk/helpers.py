"""Facts of an ordinary order in an ordinary account; a test changes what it is about."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

from domain.account_type import AccountType, AccountTypeSource
from domain.balance import BalanceRule, OnBalanceError
from domain.orders import OrderTerms, OrderType, Side, TimeInForce
from domain.venue import EndpointKind
from risk.facts import AccountFacts, Facts, StoredBalance

NOW = dt.datetime(2026, 3, 2, 14, 30, tzinfo=dt.UTC)
MARKET = OrderTerms("AAPL", Side.BUY, OrderType.MARKET, TimeInForce.DAY, Decimal(10))
LIMIT = replace(MARKET, order_type=OrderType.LIMIT, limit_price=Decimal(150))

_ACCOUNT = AccountFacts(
    enabled=True,
    disabled_by=None,
    name="demo-1",
    account_type=AccountType.PAPER,
    account_type_source=AccountTypeSource.DETECTED,
    type_was_read=True,
    endpoint=EndpointKind.PAPER,
    entries_blocked=None,
    number_changed=False,
    balance_check_enabled=True,
    minimum_balance=Decimal(5000),
    balance_rule=BalanceRule.BEFORE,
    on_balance_error=OnBalanceError.DENY,
    balance_max_age=dt.timedelta(seconds=300),
)
_FACTS = Facts(
    now=NOW,
    place_before=NOW + dt.timedelta(seconds=60),
    terms=LIMIT,
    account=_ACCOUNT,
    balance=StoredBalance(Decimal(100_000), Decimal(10)),
    reserved=Decimal(0),
    order_cost=Decimal(1500),
)


def facts(*, account: dict[str, Any] | None = None, **changes: Any) -> Facts:
    """Return the ordinary facts with changes of theirs and of the account's."""
    return replace(_FACTS, account=replace(_ACCOUNT, **(account or {})), **changes)


def balance(cash: str, age_s: str = "10") -> StoredBalance:
    """Return a stored balance in USD."""
    return StoredBalance(Decimal(cash), Decimal(age_s))
