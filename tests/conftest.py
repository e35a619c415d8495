"""What every test shares: the closing line that counts requirements proven and planned."""

import pytest

from tools.requirements import read_ledger


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ledger = read_ledger()
    terminalreporter.write_line(ledger.summary())
    for problem in ledger.problems():
        terminalreporter.write_line(f"  {problem}", red=True)
