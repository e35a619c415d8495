"""A day's orders of every fate and a report of known rows, each read as officers read them."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from config.settings import TradingSettings
from domain.balance import BalanceRule
from domain.orders import Side
from reports.catalog import Report
from reports.query import Filters, Result, run_report
from services.account_types import switch_account
from services.order_cancel import CancelWish, request_cancel
from services.orders import request_order
from services.origin import Stamp
from tasks.canceling import cancel_order
from tasks.context import Context
from tasks.placing import place_order
from tasks.polling import poll_account
from tasks.settling import settle_order
from tests.support.house import TEST_ORIGIN, Bed, account_of, make_due, order, order_request, until
from tests.support.reports import SAMPLE, Owner, sample

Reader = Callable[..., AbstractContextManager[Result]]
Officer = psycopg.Connection[dict[str, Any]]


@dataclass(frozen=True)
class Day:
    """What happened: orders by their fate, each with its fate as its key."""

    ctx: Context
    orders: dict[str, uuid.UUID]

    @property
    def account(self) -> str:
        return self.ctx.settings.accounts[0].name


@pytest.fixture(scope="session")
def officer(quiet: Bed) -> Iterator[Officer]:
    """The officers' login."""
    url = quiet.runtime.compliance_database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture(scope="session")
def day(quiet: Bed) -> Day:
    """Orders that were filled, sold, rejected, cancelled, unknown for a while, put off and allowed with a warning."""
    ctx = quiet.context(trading=TradingSettings(balance_rule=BalanceRule.AFTER))
    asked: dict[str, dict[str, Any]] = {
        "filled": {"qty": Decimal(10)},
        "sold": {"qty": Decimal(4), "side": Side.SELL},
        "rejected": {"qty": Decimal(5000), "limit_price": Decimal(100)},
        "canceled": {"limit_price": Decimal(1)},
        "unsent": {"limit_price": Decimal(1)},
        "unknown": {"limit_price": Decimal(1)},
        "warned": {"limit_price": Decimal(1)},
        "waited": {"limit_price": Decimal(1)},  # the last: nothing is sent for a second after a 429
    }
    made = Day(ctx, {})
    for key, terms in asked.items():
        wanted = order_request(ctx, key=key, **terms)
        if key == "sold":
            wanted = replace(wanted, source="sell_module")
        with ctx.database.statement() as unit:
            made.orders[key] = request_order(unit, wanted, TEST_ORIGIN).order_id
        _FATES.get(key, _sent)(quiet, made, made.orders[key])
    stamp = Stamp(ctx.clock.now(), ctx.ids, replace(TEST_ORIGIN, actor="anna"))
    with ctx.database.unit() as unit:
        switch_account(unit, made.account, enabled=False, stamp=stamp)
    return made


@pytest.fixture(scope="module")
def owner(quiet: Bed) -> Iterator[Owner]:
    """The migrations' login, with the sample's view for the module."""
    with quiet.servers.connect() as connection, sample(connection):
        yield connection


@pytest.fixture
def read(quiet: Bed, owner: Owner) -> Reader:  # noqa: ARG001  the view is there
    """Open the sample, or another report, with filters."""

    def opened(report: Report = SAMPLE, **filters: Any) -> AbstractContextManager[Result]:
        return run_report(quiet.runtime.compliance_database_url, report, Filters(**filters))

    return opened


def _sent(_bed: Bed, day: Day, order_id: uuid.UUID) -> None:
    place_order(day.ctx, order_id)


def _filled(_bed: Bed, day: Day, order_id: uuid.UUID) -> None:
    place_order(day.ctx, order_id)
    until(lambda: _polled(day.ctx, order_id) == "filled")


def _canceled(_bed: Bed, day: Day, order_id: uuid.UUID) -> None:
    place_order(day.ctx, order_id)
    _wish(day, order_id)
    cancel_order(day.ctx, order_id)
    until(lambda: _polled(day.ctx, order_id) == "canceled")


def _wish(day: Day, order_id: uuid.UUID) -> None:
    with day.ctx.database.unit() as unit:
        request_cancel(unit, order_id, CancelWish("changed my mind", day.ctx.clock.now()), TEST_ORIGIN)


def _unknown(bed: Bed, day: Day, order_id: uuid.UUID) -> None:
    """The broker takes it, and its answer is lost; a look finds it."""
    bed.exchange.add_fault("drop_after", account=day.account, method="POST", times=1)
    place_order(day.ctx, order_id)
    make_due(day.ctx, order_id)
    settle_order(day.ctx, order_id)


def _waited(bed: Bed, day: Day, order_id: uuid.UUID) -> None:
    bed.exchange.add_fault("429", account=day.account, method="POST", times=1)
    place_order(day.ctx, order_id)


def _warned(_bed: Bed, day: Day, order_id: uuid.UUID) -> None:
    """The last balance is a day old, and the account is set to go on."""
    with day.ctx.database.statement() as unit:
        old = "UPDATE trading.balances SET read_at = read_at - interval '1 day' WHERE account_id = %(id)s"
        unit.run(old, {"id": account_of(day.ctx).account_id})
    place_order(day.ctx, order_id)


def _polled(ctx: Context, order_id: uuid.UUID) -> str:
    make_due(ctx, order_id)
    poll_account(ctx, account_of(ctx).account_id)
    return str(order(ctx, order_id).status)


_FATES: dict[str, Any] = {
    "filled": _filled,
    "sold": _filled,
    "canceled": _canceled,
    "unsent": lambda _bed, day, order_id: _wish(day, order_id),
    "unknown": _unknown,
    "waited": _waited,
    "warned": _warned,
}
