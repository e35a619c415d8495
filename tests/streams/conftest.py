"""Servers, exchange and two processes of these tests alone: they take their accounts from a file of their own."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tasks.context import Context
from tests.support.house import Bed, bed
from tests.support.streams import StreamsProcess, stream, streams

ACCOUNTS = 9


@dataclass
class Pier:
    """Accounts, and the two processes that may hold their streams: the first has them all, the second stands by."""

    bed: Bed
    accounts: list[Context]
    processes: list[StreamsProcess] = field(default_factory=list)

    def account(self) -> Context:
        """Return an account that no other test uses."""
        return self.accounts.pop()

    def holder(self, ctx: Context) -> str | None:
        """Return who has the account's lease."""
        row = stream(ctx)
        return None if row is None else row.owner

    def whose(self, ctx: Context) -> tuple[StreamsProcess, StreamsProcess]:
        """Return the process that holds the account's stream, and the other one."""
        first, second = self.processes
        return (first, second) if self.holder(ctx) == first.owner else (second, first)


@pytest.fixture(scope="session")
def quay() -> Iterator[Bed]:
    """Servers and exchange without our processes."""
    with bed() as made:
        yield made


@pytest.fixture(scope="session")
def pier(quay: Bed) -> Iterator[Pier]:
    """Two processes on accounts that they share."""
    accounts = [quay.context() for _ in range(ACCOUNTS)]
    with streams(quay, accounts, "streams-a", "streams-b") as processes:
        yield Pier(quay, list(accounts), processes)
