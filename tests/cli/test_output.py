"""What a table shows of texts that others wrote."""

import pytest
from rich.table import Table

from cli.output import add_plain, print_whole


def test_brackets_in_a_text_are_shown_and_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("message")
    add_plain(table, "accounts[0].name [/red] [account=acc-1]")
    print_whole(table)
    assert "accounts[0].name [/red] [account=acc-1]" in capsys.readouterr().out
