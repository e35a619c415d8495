"""The documented line of an order, letter by letter, and what a caller's text cannot do to it."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.timing import Line, OrderLine, ReadLine, Step, escaped_lines, render, safe

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


def text(line: Line) -> str:
    return render(line.message, line.fields())


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_success_reads_as_documented() -> None:
    assert text(LINE) == (
        "Order placed: BUY AAPL qty=100 | order_id=0190 | duration=245ms | success=true"
        " | account=demo-1 account_type=paper network=198ms source=api | operation=place symbol=AAPL"
    )


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_failure_says_its_error_and_is_timed_too() -> None:
    line = replace(LINE, side="sell", error="insufficient_balance", order_id=None, network_ms=None)

    assert text(line) == (
        "Order failed: SELL AAPL qty=100 | duration=245ms | error=insufficient_balance"
        " | account=demo-1 account_type=paper network=- source=api | operation=place symbol=AAPL"
    )


@pytest.mark.requirement("TRD-001", "FR-005")
@pytest.mark.parametrize(
    ("step", "done", "failed"),
    [
        (Step.PLACE, "Order placed", "Order failed"),
        (Step.REPLACE, "Order replacement placed", "Order replacement failed"),
        (Step.CANCEL, "Order cancel sent", "Order cancel failed"),
        (Step.SETTLE, "Order settled", "Order settlement failed"),
        (Step.FILLED, "Order filled", "Order filled"),
        (Step.PARTIALLY_FILLED, "Order partially filled", "Order partially filled"),
    ],
)
def test_every_operation_of_an_order_has_words_of_its_own_and_the_same_fields(
    step: Step, done: str, failed: str
) -> None:
    for line, words in ((replace(LINE, step=step), done), (replace(LINE, step=step, error="x"), failed)):
        assert line.message == f"{words}: BUY AAPL qty=100"
        assert line.fields() == LINE.fields() | {
            "operation": step.value,
            **({"success": True} if line.success else {"success": False, "error": "x"}),
        }


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_read_is_written_in_the_same_form() -> None:
    line = ReadLine(
        step=Step.BALANCE_READ,
        what="cash=100000",
        account="demo-1",
        account_type="paper",
        source="system",
        total_ms=12,
        network_ms=8,
    )
    assert text(line) == (
        "Balance read: cash=100000 | duration=12ms | success=true"
        " | account=demo-1 account_type=paper network=8ms source=system | operation=balance_read"
    )


@pytest.mark.parametrize(
    ("forged", "shown"),
    [
        ("x\n2025-01-15 14:30:25.123 | INFO | placed", r"x\n2025-01-15_14:30:25.123_¦_INFO_¦_placed"),
        ("x\r\ny", r"x\r\ny"),
        ("x | success=true", "x_¦_success=true"),
        ("\x1b[31mred", r"\x1b[31mred"),  # colours of a terminal
        ("x\u2028y", r"x\u2028y"),  # a line to some readers
        ("x\u202ey", r"x\u202ey"),  # right to left
        ("naïve", "naïve"),
    ],
)
def test_a_callers_text_forges_neither_line_nor_field(forged: str, shown: str) -> None:
    assert f"error={shown} | account=" in text(replace(LINE, error=forged))
    assert shown.replace("_", " ") in text(replace(LINE, symbol=forged)).partition(" | ")[0]


def test_a_callers_text_in_an_answer_has_neither_control_characters_nor_bars() -> None:
    assert safe("x\n2025 | INFO\u2028\x1b") == "x?2025 ? INFO??"


def test_no_line_of_a_traceback_begins_like_a_line_of_the_log() -> None:
    forged = "ValueError: x\n2025-01-15 14:30:25.123 | INFO | Order placed\x0b2025\n"

    assert escaped_lines(forged).splitlines()[1:] == [
        "    ValueError: x",
        r"    2025-01-15 14:30:25.123 ¦ INFO ¦ Order placed\x0b2025",
    ]


@pytest.mark.parametrize("field", ["account", "source"])
def test_a_name_cannot_bring_a_field_of_its_own(field: str) -> None:
    line = OrderLine(**{item.name: getattr(LINE, item.name) for item in fields(LINE)} | {field: "x account_type=live"})

    assert " account_type=live" not in text(line)


@given(st.text(), st.text(), st.text())
def test_every_line_is_one_line_of_six_parts(symbol: str, account: str, error: str) -> None:
    line = text(replace(LINE, symbol=symbol, account=account, error=error))

    assert len(line.splitlines()) == 1
    assert line.count("|") == 5
