"""The documented line of an order, letter by letter, and what a caller's text cannot do to it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.timing import OrderLine, safe

LINE = OrderLine(
    side="buy",
    symbol="AAPL",
    size="100",
    order_id="0190",
    total_ms=245.4,
    network_ms=198.2,
    account="demo-1",
    account_type="paper",
    source="api",
)


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_success_reads_as_documented() -> None:
    assert LINE.text() == (
        "Order placed: BUY AAPL qty=100 | order_id=0190 | duration=245ms | success=true"
        " | account=demo-1 account_type=paper network=198ms source=api"
    )


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_failure_says_its_error_and_is_timed_too() -> None:
    line = replace(LINE, side="sell", error="insufficient_balance", order_id=None, network_ms=None)

    assert line.text() == (
        "Order failed: SELL AAPL qty=100 | duration=245ms | error=insufficient_balance"
        " | account=demo-1 account_type=paper network=- source=api"
    )


@pytest.mark.parametrize(
    ("forged", "shown"),
    [
        ("x\n2025-01-15 14:30:25.123 | INFO | Order placed", "x?2025-01-15 14:30:25.123 ? INFO ? Order placed"),
        ("x\r\ny", "x??y"),
        ("x | success=true", "x ? success=true"),
        ("\x1b[31mred", "?[31mred"),  # colours of a terminal
        ("x\u2028y", "x?y"),  # a line to some readers
        ("x\u202ey", "x?y"),  # right to left
        ("naïve", "naïve"),
    ],
)
def test_a_callers_text_forges_neither_line_nor_field(forged: str, shown: str) -> None:
    assert safe(forged) == shown
    assert f"error={shown} | account=" in replace(LINE, error=forged).text()


@pytest.mark.parametrize("field", ["account", "source"])
def test_a_name_cannot_bring_a_field_of_its_own(field: str) -> None:
    line = OrderLine(**{**{name: getattr(LINE, name) for name in LINE.__slots__}, field: "x account_type=live"})

    assert " account_type=live" not in line.text()


@given(st.text(), st.text(), st.text())
def test_every_line_is_one_line_of_five_fields(symbol: str, account: str, error: str) -> None:
    text = replace(LINE, symbol=symbol, account=account, error=error).text()

    assert len(text.splitlines()) == 1
    assert text.count("|") == 4
