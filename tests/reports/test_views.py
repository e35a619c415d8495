"""The views: one file each, every column explained, read by officers alone, and quick where a day is named."""

import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.exc import DBAPIError

from migrations.views import view_files
from models.migrate import upgrade
from reports.catalog import REPORTS
from tests.support.house import Bed, account_of

NAMES = [file.stem for file in view_files()]

_COLUMNS = """
SELECT a.attname AS name, col_description(c.oid, a.attnum) AS comment
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
 WHERE c.oid = %s::regclass ORDER BY a.attnum
"""


@pytest.fixture(scope="module")
def owner(quiet: Bed) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    url = quiet.runtime.migrations_database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def columns(officer: Any, view: str) -> dict[str, str | None]:
    return {row["name"]: row["comment"] for row in officer.execute(_COLUMNS, (f"reports.{view}",)).fetchall()}


def test_each_file_makes_one_view_of_its_own_name(officer: Any) -> None:
    for file in view_files():
        assert re.findall(r"CREATE VIEW (\S+)", file.read_text(encoding="utf-8")) == [f"reports.{file.stem}"]
    made = officer.execute("SELECT viewname, viewowner FROM pg_views WHERE schemaname = 'reports'").fetchall()
    assert {row["viewname"]: row["viewowner"] for row in made} == dict.fromkeys(NAMES, "opitios_owner")


@pytest.mark.requirement("CARD")
@pytest.mark.parametrize("name", NAMES)
def test_every_column_is_explained_and_an_officer_may_read_it(officer: Any, day: Any, name: str) -> None:
    del day  # there is something to read
    explained = columns(officer, name)
    assert all((comment or "").endswith(".") for comment in explained.values()), explained
    (view,) = officer.execute("SELECT obj_description(%s::regclass) AS comment", (f"reports.{name}",)).fetchall()
    assert view["comment"].endswith(".")
    officer.execute(sql.SQL("SELECT * FROM {} LIMIT 1000").format(sql.Identifier("reports", name))).fetchall()


def test_the_catalogue_names_every_view_and_only_columns_that_exist(officer: Any) -> None:
    assert {report.view for report in REPORTS.values()} == {f"reports.{name}" for name in NAMES}
    for report in REPORTS.values():
        assert report.view == f"reports.{report.name.replace('-', '_')}"
        ordered = {word.split()[0] for word in report.order_by.split(", ")}
        named = {*report.shown, *report.filters.values(), *ordered, report.day_column}
        named |= {report.account_column} if report.account_column else set()
        assert named <= set(columns(officer, report.name.replace("-", "_"))), report.name


@pytest.mark.requirement("ACC-001", "FR-001")
def test_whatever_tells_the_kind_of_an_account_tells_how_it_is_known(officer: Any) -> None:
    for name in NAMES:
        found = set(columns(officer, name))
        assert ("account_type" in found) == ("account_type_source" in found), name


@pytest.mark.parametrize(
    "name", ["blotter", "order_timing", "order_lifecycle", "cancellations", "rejections", "balance_checks"]
)
def test_an_accounts_day_is_looked_for_in_one_month_by_an_index(officer: Any, day: Any, name: str) -> None:
    question = sql.SQL("SELECT * FROM {} WHERE account = %s AND order_date = %s::date")
    plan = explain(officer, question.format(sql.Identifier("reports", name)), day.account, today(day))
    read = [node for node in nodes(plan) if node.get("Alias") == "e"]
    assert len(read) == 1, [node["Relation Name"] for node in read]
    assert f"{today(day):%Y%m}" in read[0]["Relation Name"]


def test_percentiles_of_a_month_touch_no_orders(officer: Any, day: Any) -> None:
    question = sql.SQL(
        "SELECT account_type, percentile_disc(0.95) WITHIN GROUP (ORDER BY total_ms::float8) FROM reports.order_timing "
        "WHERE order_date >= %s AND order_date <= %s GROUP BY account_type"
    )
    plan = explain(officer, question, today(day).replace(day=1), today(day))
    read = {node["Relation Name"] for node in nodes(plan) if "Relation Name" in node}
    assert read == {f"order_events_{today(day):%Y%m}"}


def test_an_account_is_looked_for_before_its_profit_is_counted(officer: Any, day: Any) -> None:
    question = sql.SQL("SELECT * FROM reports.realized_pnl WHERE account = %s AND symbol = 'AAPL'")
    plan = explain(officer, question, day.account)
    below = [node for node in nodes(plan) if node["Node Type"] == "WindowAgg"]
    text = json.dumps(below[-1])
    assert day.account in text
    assert "AAPL" in text


def test_views_are_made_anew_when_their_files_are_others(
    quiet: Bed, owner: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    def made() -> Any:
        return owner.execute("SELECT 'reports.blotter'::regclass::oid").fetchall()

    before = made()
    upgrade(quiet.runtime.migrations_database_url)
    assert made() == before
    owner.execute("COMMENT ON SCHEMA reports IS 'made of other files'")
    upgrade(quiet.runtime.migrations_database_url)
    assert made() != before


def test_what_hangs_on_a_view_stops_the_upgrade_and_everything_stays(
    quiet: Bed, owner: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    owner.execute("CREATE VIEW public.somebodys AS SELECT account FROM reports.blotter")
    made_of = owner.execute("SELECT obj_description('reports'::regnamespace)").fetchall()[0][0]
    owner.execute("COMMENT ON SCHEMA reports IS 'made of other files'")
    try:
        with pytest.raises(DBAPIError, match=r"view somebodys depends on view reports\.blotter"):
            upgrade(quiet.runtime.migrations_database_url)
        owner.execute("SELECT * FROM public.somebodys LIMIT 1")
    finally:
        owner.execute("DROP VIEW public.somebodys")
        owner.execute(sql.SQL("COMMENT ON SCHEMA reports IS {}").format(made_of))


def today(day: Any) -> Any:
    with day.ctx.database.statement() as unit:
        (row,) = unit.rows(
            "SELECT max(order_date) AS day FROM trading.orders WHERE account_id = %(id)s",
            {"id": account_of(day.ctx).account_id},
        )
    return row.day


def explain(officer: Any, question: sql.Composable, *values: object) -> dict[str, Any]:
    with psycopg.ClientCursor(officer) as cursor:  # the planner sees the values, as it does with psql
        (row,) = cursor.execute(sql.SQL("EXPLAIN (FORMAT JSON) ") + question, values).fetchall()
    plan: dict[str, Any] = row["QUERY PLAN"][0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)
