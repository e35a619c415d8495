"""A process of streams that cannot write ends, and is started again (R30)."""

import asyncio

import pytest

from streams.keeper import Keeper
from streams.writer import Writer
from tests.support.house import Bed


def test_a_writer_that_fails_ends_its_process(quay: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: Writer) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(Writer, "run", fails)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        asyncio.run(asyncio.wait_for(Keeper(quay.context()).run(asyncio.Event()), 20))
