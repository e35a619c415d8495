"""Instruments are read as soon as there is an account to read them through, and again every ten minutes."""

import datetime as dt

from services.instruments import due_brokers
from tasks.context import Context
from tasks.instruments import sync_instruments
from tests.support.house import Bed


def newest(ctx: Context) -> dt.datetime:
    with ctx.database.statement() as unit:
        (row,) = unit.rows("SELECT max(synced_at) AS at FROM trading.instruments")
    at: dt.datetime = row.at
    return at


def test_a_listing_is_read_when_it_is_due_and_not_before(quiet: Bed) -> None:
    ctx = quiet.context()
    with ctx.database.statement() as unit:
        assert due_brokers(unit, dt.timedelta(0)).keys() == {"alpaca"}
    assert sync_instruments(ctx, dt.timedelta(0))
    first = newest(ctx)
    assert sync_instruments(ctx)
    assert newest(ctx) == first
    assert sync_instruments(ctx, dt.timedelta(0))
    assert newest(ctx) > first
