"""Two processes: one connection an account whatever dies, and who was overtaken applies nothing (R3)."""

import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from tasks.context import Context
from tasks.placing import place_order
from tasks.polling import poll_account
from tests.support.house import Bed, account_of, order, request, until
from tests.support.streams import StreamsProcess, inbox, is_healthy, stream, streams

WITHIN_S = 10


@dataclass
class Pier:
    """Two accounts and the two processes that may hold their streams."""

    bed: Bed
    one: Context
    other: Context
    processes: list[StreamsProcess]

    def holder(self, ctx: Context) -> str | None:
        """Return who has the account's lease."""
        row = stream(ctx)
        return None if row is None else row.owner

    def whose(self, ctx: Context) -> tuple[StreamsProcess, StreamsProcess]:
        """Return the process that holds the account's stream, and the other one."""
        first, second = self.processes
        return (first, second) if self.holder(ctx) == first.owner else (second, first)

    def connections(self) -> list[str]:
        """Return the accounts of the open connections at the exchange."""
        mine = {ctx.settings.accounts[0].name for ctx in (self.one, self.other)}
        return sorted(open_["account"] for open_ in self.bed.exchange.streams() if open_["account"] in mine)

    def partly_filled(self, ctx: Context) -> uuid.UUID:
        """Return an order of ten of which the exchange has filled four."""
        order_id = request(ctx, qty=Decimal(10), limit_price=Decimal(1))
        place_order(ctx, order_id)
        name = ctx.settings.accounts[0].name
        self.bed.exchange.release(account=name, client_order_id=f"opt-{order_id.hex}", qty="4")
        return order_id


@pytest.fixture(scope="module")
def pier(quay: Bed) -> Iterator[Pier]:
    one, other = quay.context(), quay.context()
    with streams(quay, [one, other], "streams-a", "streams-b") as processes:
        yield Pier(quay, one, other, processes)


def names_of(pier: Pier) -> list[str]:
    return sorted(ctx.settings.accounts[0].name for ctx in (pier.one, pier.other))


def test_one_that_stood_still_applies_nothing_and_hangs_up(pier: Pier) -> None:
    assert pier.connections() == names_of(pier)
    holder, standby = pier.whose(pier.one)
    assert pier.holder(pier.other) == holder.owner
    holder.send(signal.SIGSTOP)
    told = pier.partly_filled(pier.one)  # the frames wait at the frozen process
    until(lambda: pier.holder(pier.one) == pier.holder(pier.other) == standby.owner, WITHIN_S)
    assert pier.connections() == names_of(pier)  # the broker takes no second one
    # where the broker gives the dead connection up, the new one is there at once
    pier.bed.exchange.add_fault("stream_cut", account=pier.other.settings.accounts[0].name)
    cut = pier.partly_filled(pier.other)
    until(lambda: is_healthy(pier.other), WITHIN_S)
    assert not is_healthy(pier.one)

    holder.send(signal.SIGCONT)
    until(lambda: is_healthy(pier.one), WITHIN_S)
    assert pier.connections() == names_of(pier)
    assert pier.holder(pier.one) == pier.holder(pier.other) == standby.owner
    assert inbox(pier.one) == []
    for ctx, order_id in ((pier.one, told), (pier.other, cut)):  # what nobody told is asked for
        poll_account(ctx, account_of(ctx).account_id)
        assert order(ctx, order_id).filled_qty == 4


def test_one_that_is_killed_is_followed_within_ten_seconds(pier: Pier) -> None:
    killed, standby = pier.whose(pier.one)
    killed.send(signal.SIGKILL)
    until(lambda: pier.holder(pier.one) == standby.owner and is_healthy(pier.one), WITHIN_S)
    until(lambda: pier.holder(pier.other) == standby.owner and is_healthy(pier.other), WITHIN_S)
    assert pier.connections() == names_of(pier)
    order_id = pier.partly_filled(pier.one)
    until(lambda: order(pier.one, order_id).filled_qty == 4)
