"""`report`: what a compliance officer reads and takes away as a file."""

import csv
import hashlib
import io
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.commands import Terminal

ORDER_TIMING = """
occurred_at order_date order_id client_order_id account account_type account_type_source broker symbol side
order_type time_in_force qty notional limit_price stop_price trail_price trail_percent extended_hours
position_intent replaces stage outcome success reason_code reason requested_at started_at total_ms
network_ms order_status filled_qty filled_avg_price source actor trace_id
"""


def rows_of(answer_out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer_out)))


@pytest.mark.requirement("TRD-001", "FR-005", "CARD")
def test_the_table_says_paper_with_total_and_network_ms(desk: Terminal) -> None:
    shown = desk.opitios("report", "order-timing", "--limit", "1000")

    assert shown.code == 0
    assert shown.out.split()[:6] == ["occurred", "account", "reason", "total", "network", "order"]
    row = next(line for line in shown.out.splitlines() if " AAPL " in line and " filled" in line).split()
    assert row[1:5] == ["demo-1", "paper", "buy", "AAPL"]
    assert all(re.fullmatch(r"\d+(\.\d{1,3})?", number) for number in row[-3:-1])


@pytest.mark.requirement("TRD-001", "FR-005")
def test_the_file_has_the_documented_columns_and_both_times_of_every_attempt(desk: Terminal) -> None:
    desk.opitios("order", "buy", "AAPL", "900000", "--account", "demo-1", "--wait", "--key", "too-many")

    answer = desk.opitios("report", "order-timing", "--format", "csv")

    assert answer.out.splitlines()[0].split(",") == ORDER_TIMING.split()
    rows = {row["client_order_id"]: row for row in rows_of(answer.out)}
    assert rows["the-first"]["outcome"] == "accepted"
    assert rows["too-many"]["outcome"] == "rejected"
    for key in ("the-first", "too-many"):
        assert 0 < Decimal(rows[key]["network_ms"]) < Decimal(rows[key]["total_ms"])


@pytest.mark.requirement("ACC-001", "FR-001")
def test_every_row_says_the_kind_of_account_and_how_it_is_known(desk: Terminal) -> None:
    rows = rows_of(desk.opitios("report", "order-timing", "--format", "csv").out)

    assert rows
    assert {(row["account_type"], row["account_type_source"]) for row in rows} == {("paper", "detected")}


@pytest.mark.requirement("ACC-001", "FR-001")
def test_orders_are_counted_by_kind_of_account(desk: Terminal) -> None:
    rows = rows_of(desk.opitios("report", "orders-by-account-type", "--format", "csv").out)

    filled = [row for row in rows if row["status"] == "filled" and row["account"] == "demo-1"]
    assert {(row["account_type"], row["account_type_source"]) for row in filled} == {("paper", "detected")}
    assert sum(int(row["orders"]) for row in filled) >= 1
    assert sum(Decimal(row["filled_qty"]) for row in filled) >= 10


def test_a_report_is_written_to_a_file_and_its_rows_are_counted_beside_it(desk: Terminal, tmp_path: Path) -> None:
    target = tmp_path / "timing.csv"

    answer = desk.opitios("report", "order-timing", "--format", "csv", "--output", str(target), "--limit", "1")

    assert answer.code == 0
    assert answer.out == ""
    assert re.match(r"1 row of \d+ \(raise --limit\) as of \S+Z in ", answer.err)
    said = json.loads(Path(f"{target}.manifest.json").read_text(encoding="utf-8"))
    assert (said["row_count"], said["rows_in_all"] > 1) == (1, True)
    assert said["sha256"] == said["file_sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["timing.csv", "timing.csv.manifest.json"]
    assert len(rows_of(target.read_text(encoding="utf-8"))) == 1


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        (("--account", "demo-2"), 0),
        (("--account", "demo-1", "--to", "2020-01-01"), 0),
        (("--account", "demo-1", "--from", "2020-01-01", "--limit", "1"), 1),
    ],
)
def test_filters_leave_out_what_was_not_asked_for(desk: Terminal, filters: tuple[str, ...], rows: int) -> None:
    answer = desk.opitios("report", "order-timing", "--format", "csv", *filters)

    assert len(rows_of(answer.out)) == rows


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (("nothing",), "there are: order-timing, order-timing-percentiles, orders-by-account-type", 2),
        (("order-timing", "--from", "yesterday"), "does not match the formats", 2),
        (("order-timing", "--format", "csv", "--output", "/nowhere/x.csv"), "/nowhere/x.csv: No such file", 1),
    ],
)
def test_a_report_that_cannot_be_made_says_why(desk: Terminal, words: tuple[str, ...], message: str, code: int) -> None:
    assert desk.opitios("report", *words).refused(message, code=code)
