"""One real stack for all tests of the commands, started by `opitios run` itself."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.commands import Answer, Terminal, printed_password
from tests.support.stack import temporary_home


@dataclass
class House:
    """The stack that `opitios run` has started, and what it said; `password` is admin's."""

    terminal: Terminal
    first_start: Answer
    password: str

    def log_in(self) -> Answer:
        """Sign in as admin, as a script does."""
        return self.terminal.opitios("login", "--password-stdin", text=f"{self.password}\n")


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    with temporary_home() as home:
        terminal = Terminal(home)
        try:
            first_start = terminal.opitios("run")
            password = printed_password(first_start)
            assert password is not None, first_start.said
            yield House(terminal, first_start, password)
        finally:
            terminal.opitios("stop")


@pytest.fixture(scope="session")
def desk(house: House) -> Terminal:
    """A terminal at which admin has signed in and one order of ten AAPL was filled."""
    assert house.log_in().code == 0
    bought = house.terminal.opitios("order", "buy", "AAPL", "10", "--account", "demo-1", "--wait", "--key", "the-first")
    assert bought.code == 0, bought.said
    return house.terminal


@pytest.fixture
def stranger() -> Iterator[Terminal]:
    """A terminal whose home has never been started."""
    with temporary_home() as home:
        terminal = Terminal(home)
        try:
            yield terminal
        finally:
            terminal.opitios("stop")
