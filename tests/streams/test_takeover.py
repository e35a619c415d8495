"""Two processes: one connection an account whatever dies, and who was overtaken applies nothing (R3)."""

import signal
import uuid
from decimal import Decimal

from tasks.context import Context
from tasks.placing import place_order
from tasks.polling import poll_account
from tests.streams.conftest import Pier
from tests.support.house import account_of, order, request, until
from tests.support.streams import inbox, is_healthy

WITHIN_S = 10


def connections(pier: Pier, *accounts: Context) -> list[str]:
    """Return which of these accounts the open connections at the exchange are of."""
    mine = {name_of(ctx) for ctx in accounts}
    return sorted(open_["account"] for open_ in pier.bed.exchange.streams() if open_["account"] in mine)


def name_of(ctx: Context) -> str:
    return ctx.settings.accounts[0].name


def partly_filled(pier: Pier, ctx: Context) -> uuid.UUID:
    """Return an order of ten of which the exchange has filled four."""
    order_id = request(ctx, qty=Decimal(10), limit_price=Decimal(1))
    place_order(ctx, order_id)
    pier.bed.exchange.release(account=name_of(ctx), client_order_id=f"opt-{order_id.hex}", qty="4")
    return order_id


def test_one_that_stood_still_applies_nothing_and_hangs_up(pier: Pier) -> None:
    one, other = pier.account(), pier.account()
    each_once = sorted(map(name_of, (one, other)))
    assert connections(pier, one, other) == each_once
    holder, standby = pier.whose(one)
    assert pier.holder(other) == holder.owner
    holder.send(signal.SIGSTOP)
    told = partly_filled(pier, one)  # the frames wait at the frozen process
    until(lambda: pier.holder(one) == pier.holder(other) == standby.owner, WITHIN_S)
    assert connections(pier, one, other) == each_once  # the broker takes no second one
    # where the broker gives the dead connection up, the new one is there at once
    pier.bed.exchange.add_fault("stream_cut", account=name_of(other))
    cut = partly_filled(pier, other)
    until(lambda: is_healthy(other), WITHIN_S)
    assert not is_healthy(one)

    holder.send(signal.SIGCONT)
    until(lambda: is_healthy(one), WITHIN_S)
    assert connections(pier, one, other) == each_once
    assert pier.holder(one) == pier.holder(other) == standby.owner
    assert inbox(one) == []
    for ctx, order_id in ((one, told), (other, cut)):  # what nobody told is asked for
        poll_account(ctx, account_of(ctx).account_id)
        assert order(ctx, order_id).filled_qty == 4


def test_one_that_is_killed_is_followed_within_ten_seconds(pier: Pier) -> None:
    ctx = pier.account()
    killed, standby = pier.whose(ctx)
    killed.send(signal.SIGKILL)
    until(lambda: pier.holder(ctx) == standby.owner and is_healthy(ctx), WITHIN_S)
    assert connections(pier, ctx) == [name_of(ctx)]
    order_id = partly_filled(pier, ctx)
    until(lambda: order(ctx, order_id).filled_qty == 4)
