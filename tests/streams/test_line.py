"""A connection that says nothing is noticed by its silence, not by the socket (DESIGN 3)."""

import asyncio
from functools import partial

import pytest

from brokers.alpaca import feed
from services.streams import StreamedAccount
from streams import line as lines
from streams.line import Line
from tasks.context import Context
from tests.support.house import Bed, account_of
from tests.support.stopped import stopped

PATIENCE_S = 10


def test_a_broker_that_stands_still_is_hung_up_and_found_again(quay: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "QUIET_S", 0.2)
    monkeypatch.setattr(feed, "_PONG_S", 0.5)
    asyncio.run(_scene(quay, quay.context()))


async def _scene(quay: Bed, ctx: Context) -> None:
    account = account_of(ctx)
    began = 0

    async def begin(_: StreamedAccount) -> None:
        nonlocal began
        began += 1

    line = Line(
        StreamedAccount(account.account_id, account.name),
        ctx.settings.accounts[0],
        feed=partial(ctx.brokers.feed, account.name),
        began=begin,
        told=lambda _, __: None,
        clock=ctx.clock,
        chance=lambda: 0,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _state(line, is_connected=True)
            with stopped(quay.exchange.pid):
                await _state(line, is_connected=False)
            await _state(line, is_connected=True)
        assert began == 2
    finally:
        await line.stop()


async def _state(line: Line, *, is_connected: bool) -> None:
    while line.state().is_connected is not is_connected:  # noqa: ASYNC110  another process is waited for
        await asyncio.sleep(0.02)
