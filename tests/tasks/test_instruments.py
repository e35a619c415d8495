"""Instruments are read as soon as there is an account to read them through, and again every ten minutes."""

import datetime as dt

from services.instruments import due_brokers
from tasks.context import Context
from tasks.instruments import sync_instruments
from tests.support.house import Bed


def newest(ctx: Context) -> dt.datetime | None:
    with ctx.database.statement() as unit:
        (row,) = unit.rows("SELECT max(synced_at) AS at FROM trading.instruments")
    return row.at  # type: ignore[no-any-return]


def test_a_listing_is_read_when_it_is_due_and_not_before(quiet: Bed) -> None:
    ctx = quiet.context()
    assert sync_instruments(ctx, dt.timedelta(0))
    first = newest(ctx)
    assert first is not None
    assert sync_instruments(ctx)
    assert newest(ctx) == first
    assert sync_instruments(ctx, dt.timedelta(0))
    assert newest(ctx) > first


def test_a_broker_is_due_until_its_listing_was_read(quiet: Bed) -> None:
    ctx = quiet.context()
    with ctx.database.statement() as unit:
        unit.run("DELETE FROM trading.instruments")
        assert due_brokers(unit, dt.timedelta(minutes=10)).keys() == {"alpaca"}
    assert sync_instruments(ctx)
    with ctx.database.statement() as unit:
        assert not due_brokers(unit, dt.timedelta(minutes=10))
