"""The ten questions of docs/compliance.md, asked as officers ask them, of orders of every fate."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString, cast

import pytest

from migrations.views import view_files
from tests.support.house import Bed, request

_TEXT = (Path(__file__).parents[2] / "docs" / "compliance.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"\*\*(\d+)\. .*?```sql\n(.*?)```", _TEXT, re.DOTALL)


@pytest.fixture
def ask(officer: Any, day: Any) -> Any:
    """Return the rows of a question, with the account and the order of the day put in."""

    def asked(number: int) -> list[dict[str, Any]]:
        text = dict(QUESTIONS)[str(number)].replace("'demo-1'", f"'{day.account}'")
        text = text.replace("'my-key'", "'filled'")
        rows: list[dict[str, Any]] = officer.execute(cast("LiteralString", text)).fetchall()
        return [row for row in rows if row.get("account") in {None, day.account}]

    return asked


def test_there_are_ten() -> None:
    assert [int(number) for number, _ in QUESTIONS] == list(range(1, 11))


def test_the_guide_names_every_report() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", _TEXT, re.MULTILINE)
    assert sorted(listed) == sorted(file.stem for file in view_files())


@pytest.mark.requirement("TRD-001")
def test_the_blotter_has_every_order_with_its_fate(ask: Any) -> None:
    rows = ask(1)
    assert [row["status"] for row in rows] == [
        *("filled", "filled", "rejected", "canceled", "canceled", "accepted", "accepted", "requested"),
    ]
    assert (rows[0]["side"], rows[0]["symbol"], rows[0]["filled_qty"], rows[0]["actor"]) == ("buy", "AAPL", 10, "test")


@pytest.mark.requirement("TRD-001", "FR-005")
def test_an_orders_life_is_told_step_by_step(ask: Any) -> None:
    rows = ask(2)
    assert [row["event_type"] for row in rows][:3] == ["requested", "submitting", "accepted"]
    assert rows[-1]["event_type"] == "filled"
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[1]["detail"]["checks"]["minimum_balance"]["decision"] == "allow"


@pytest.mark.requirement("TRD-001", "FR-005")
def test_percentiles_are_durations_that_were_measured(ask: Any) -> None:
    sent = next(row for row in ask(3) if (row["stage"], row["outcome"]) == ("send", "accepted"))
    assert sent["attempts"] >= 4
    assert 0 < sent["total_ms_p50_p95_p99"][0] <= sent["total_ms_p50_p95_p99"][2]
    assert sent["network_ms_p50_p95_p99"][0] < sent["total_ms_p50_p95_p99"][0]


def test_a_cancellation_says_why_by_whom_and_how_old(ask: Any) -> None:
    working, unsent = ask(4)
    assert [row["reason_code"] for row in (working, unsent)] == ["requested", "canceled_unsent"]
    assert [row["reason"] for row in (working, unsent)] == ["changed my mind"] * 2
    assert [row["requested_by"] for row in (working, unsent)] == ["test"] * 2
    assert 0 < working["age_at_request_ms"] < working["age_at_end_ms"]
    assert (working["attempts"], unsent["attempts"]) == (1, 0)


@pytest.mark.requirement("ACC-002")
def test_rejections_are_counted_by_who_and_why(ask: Any) -> None:
    (row,) = ask(5)
    assert (row["rejected_by"], row["reason_code"], row["rejections"]) == ("opitios", "insufficient_balance", 1)


@pytest.mark.requirement("ACC-002")
def test_balance_checks_that_were_no_plain_yes_show_their_numbers(ask: Any) -> None:
    rows = {row["outcome"]: row for row in ask(6)}
    assert set(rows) == {"rejected", "exempt", "allowed_with_warning"}
    refused = rows["rejected"]
    assert (refused["order_cost"], refused["minimum"]) == (500_000, 5000)
    assert refused["available"] == refused["cash"] - refused["reserved"]
    assert refused["available"] - refused["order_cost"] < refused["minimum"]
    assert rows["exempt"]["why"] == "an exit of the sell module"
    assert rows["allowed_with_warning"]["why"] == "balance_unavailable"


@pytest.mark.requirement("ACC-001", "FR-001")
def test_accounts_nobody_could_read_are_counted_as_not_proven(ask: Any, quiet: Bed) -> None:
    request(quiet.context(read=False))
    kinds = {row["kind"]: row["account_type_source"] for row in ask(7)}
    assert kinds["paper"] == "detected"
    assert kinds["not proven"] == "fallback"


@pytest.mark.requirement("TRD-001")
def test_an_unknown_outcome_says_how_it_ended(ask: Any) -> None:
    (row,) = ask(8)
    assert (row["became"], row["settled_as"]) == ("unknown", "accepted")
    assert row["unsettled_ms"] > 0


def test_profit_and_loss_follows_from_the_fills(ask: Any, officer: Any, day: Any) -> None:
    (row,) = ask(9)
    bought, sold = (
        officer.execute("SELECT price FROM reports.fills WHERE order_id = %s", (day.orders[key],)).fetchone()["price"]
        for key in ("filled", "sold")
    )
    assert row["realized_usd"] == Decimal(4) * (sold - bought)
    assert (row["closed"], row["closed_at_unknown_cost"], row["corrections"]) == (4, 0, 0)


@pytest.mark.requirement("CFG-001")
def test_a_change_says_who_made_it(ask: Any, day: Any) -> None:
    switched = [row for row in ask(10) if row["account"] == day.account]
    assert [(row["actor"], row["subject"]) for row in switched] == [("anna", "account disabled")]
    assert '"disabled_by": "anna"' in switched[0]["new"]
