"""Each house rule finds the fault it is there for, and leaves clean code alone."""

from pathlib import Path

import pytest

from tests.house.planting import plant
from tools.house_rules import RULES, Rule, judge
from tools.rules import decisions, doors, logs, money, shipping, sizes, suite, times

ROOT = Path(__file__).resolve().parents[2]
RECORD = "# A\n\n## Context\n\nX.\n\n## Decision\n\nX.\n\n## Consequences\n\nX.\n\n## Enforced by\n\nX.\n"
# Put together here, because this file is judged too.
HOST = "pypi|org".replace("|", ".")
INDEX_OPTION = "--index" + "-url"
HOME = "|home|alice|src".replace("|", "/")
LONG_SLEEP = "import time\ntime.sleep(" + "2)\n"

FAULTS: list[tuple[Rule, str, str, int]] = [
    (money.no_float, "domain/a.py", "x: float\n", 1),
    (money.no_float, "risk/a.py", "def f(x: str):\n    return float(x)\n", 2),
    (money.no_float, "services/a.py", "LIMIT = 0.5\n", 1),
    (money.no_float, "models/a.py", "price = mapped_column(sa.Float)\n", 1),
    (money.no_float, "domain/a.py", "x: float  # float: \n", 1),
    (doors.one_commit, "services/a.py", "def f(unit):\n    unit.session.commit()\n", 2),
    (doors.one_commit, "tasks/a.py", "connection.rollback()\n", 1),
    (doors.messages_leave_through_events, "api/a.py", "place.delay(1)\n", 1),
    (doors.messages_leave_through_events, "tasks/a.py", "place.s(1).apply_async()\n", 1),
    (doors.messages_leave_through_events, "services/a.py", "app.send_task('orders.place')\n", 1),
    (doors.messages_leave_through_events, "tasks/a.py", "self.redis.publish('orders', '1')\n", 1),
    (doors.status_has_one_door, "services/a.py", "Q = 'UPDATE trading.orders SET status = %s WHERE id = %s'\n", 1),
    (doors.status_has_one_door, "models/a.py", "Q = '''UPDATE orders AS o\nSET due_at = now(), status = 'x' '''\n", 1),
    (doors.status_has_one_door, "models/a.py", "Q = f'UPDATE {s} trading.orders SET (status, x) = (1, 2)'\n", 1),
    (doors.status_has_one_door, "models/a.py", "Q = f'update trading.orders {a} set a = {b}, status = {c}'\n", 1),
    (
        doors.status_has_one_door,
        "models/a.py",
        "Q = 'INSERT INTO orders VALUES (1) ON CONFLICT (id) DO UPDATE SET status=1'\n",
        1,
    ),
    (doors.status_has_one_door, "tasks/a.py", "order.status = 'filled'\n", 1),
    (doors.status_has_one_door, "tasks/a.py", "setattr(order, 'status', 'filled')\n", 1),
    (doors.status_has_one_door, "models/a.py", "sa.update(Order).where(x).values(status='filled')\n", 1),
    (times.no_naive_datetimes, "domain/a.py", "dt.datetime(2026, 1, 1)\n", 1),
    (times.no_naive_datetimes, "domain/a.py", "datetime.combine(day, noon)\n", 1),
    (times.no_naive_datetimes, "api/a.py", "dt.datetime.now()\n", 1),
    (times.no_naive_datetimes, "api/a.py", "dt.datetime.utcnow()\n", 1),
    (times.no_naive_datetimes, "services/a.py", "when.replace(tzinfo=None)\n", 1),
    (times.no_naive_datetimes, "models/a.py", "due_at = mapped_column(DateTime())\n", 1),
    (times.no_naive_datetimes, "migrations/sql/1.sql", "create table t (\n  due_at timestamp not null\n)\n", 2),
    (sizes.files_stay_small, "api/a.py", "x = 1\n" * 401, 401),
    (sizes.functions_stay_small, "tests/a.py", "def f():\n" + "    x = 1\n" * 50, 1),
    (suite.no_silent_skips, "tests/test_a.py", "@pytest.mark.skip\ndef test_a(): ...\n", 1),
    (suite.no_silent_skips, "tests/test_a.py", "@pytest.mark.xfail(strict=True)\ndef test_a(): ...\n", 1),
    (suite.no_silent_skips, "tests/test_a.py", "def test_a():\n    pytest.skip()\n", 2),
    (suite.no_long_sleeps, "tests/test_a.py", LONG_SLEEP, 2),
    (shipping.nothing_for_show, "api/demo_login.py", "", 1),
    (shipping.nothing_for_show, "brokers/fake/client.py", "", 1),
    (shipping.nothing_for_show, "api/a.py", "TOKEN = 'demo_jwt'\n", 1),
    (shipping.nothing_for_show, "services/a.py", "from unittest.mock import Mock\n", 1),
    (shipping.no_secret_of_ours, "config/a.py", "PASSWORD = 'admin'\n", 1),
    (shipping.no_secret_of_ours, "config/a.py", "class S:\n    jwt_secret: SecretStr = SecretStr('super-secret')\n", 2),
    (shipping.no_secret_of_ours, "cli/a.py", "def reset(user, password='changeme'): ...\n", 1),
    (shipping.no_secret_of_ours, "exchange/a.py", "def open_account(*, secret_key='x'): ...\n", 1),
    (logs.two_logs, "api/a.py", "logger.add('logs/performance.log')\n", 1),
    (logs.two_logs, "tasks/a.py", "h = logging.handlers.RotatingFileHandler('a.log')\n", 1),
    (logs.two_logs, "tasks/a.py", "logging.basicConfig(level='INFO')\n", 1),
    (logs.two_logs, "services/a.py", "@monitor.log_performance\ndef f(): ...\n", 2),
    (logs.two_logs, "services/a.py", "@timed('orders')\nasync def f(): ...\n", 2),
    (logs.two_logs, "config/logging.py", "class PerformanceMonitor: ...\n", 1),
    (logs.two_logs, "api/a.py", "class UserLogger: ...\n", 1),
    (shipping.no_workshop_paths, "docs/a.md", f"See\n{HOME}/opitios\n", 2),
    (shipping.no_package_hosts, "requirements/base.txt", f"{INDEX_OPTION} somewhere\n", 1),
    (shipping.no_package_hosts, "README.md", f"from https://{HOST}/project\n", 1),
    (decisions.decisions_are_whole, "docs/decisions/0001-a.md", RECORD.replace("## Enforced by", "## Other"), 1),
]

CLEAN: list[tuple[Rule, str, str]] = [
    (money.no_float, "domain/a.py", "waited_ms: float  # float: milliseconds\n"),
    (money.no_float, "domain/a.py", "if isinstance(value, (float, str)):\n    raise TypeError\n"),
    (money.no_float, "brokers/alpaca/a.py", "limit_price: float\n"),
    (doors.one_commit, "models/session.py", "session.commit()\n"),
    (doors.messages_leave_through_events, "events/a.py", "app.send_task('orders.place')\n"),
    (doors.messages_leave_through_events, "tasks/a.py", "raise self.retry(countdown=2)\n"),
    (doors.messages_leave_through_events, "api/a.py", "hints.publish(order_id)\n"),
    (doors.status_has_one_door, "services/order_transition.py", "Q = 'UPDATE trading.orders SET status = 1'\n"),
    (doors.status_has_one_door, "models/a.py", "Q = 'UPDATE orders SET due_at = 1 WHERE a = 1 AND status = 2'\n"),
    (doors.status_has_one_door, "models/a.py", "Q = 'UPDATE leases SET status = 1'\n"),
    (doors.status_has_one_door, "models/a.py", "sa.insert(Order).values(status='requested')\n"),
    (
        doors.status_has_one_door,
        "api/a.py",
        "class E(Exception):\n    def __init__(self):\n        self.status = 422\n",
    ),
    (times.no_naive_datetimes, "domain/a.py", "dt.datetime(2026, 1, 1, tzinfo=dt.UTC)\nclock.now()\n"),
    (times.no_naive_datetimes, "models/a.py", "due_at = mapped_column(DateTime(timezone=True))\n"),
    (times.no_naive_datetimes, "migrations/sql/1.sql", "create table t (\n  due_at timestamptz not null\n)\n"),
    (sizes.files_stay_small, "migrations/versions/0001_a.py", "x = 1\n" * 401),
    (sizes.functions_stay_small, "api/a.py", "def f():\n" + "    x = 1\n" * 49),
    (suite.no_silent_skips, "tests/test_a.py", "@pytest.mark.skipif(x, reason='no IPv6')\ndef test_a(): ...\n"),
    (suite.no_silent_skips, "tests/test_a.py", "@pytest.mark.requirement('X')\ndef test_a(): ...\n"),
    (suite.no_long_sleeps, "tests/test_a.py", "time.sleep(0.05)\n"),
    (shipping.nothing_for_show, "api/latest.py", "from fastapi import FastAPI\n"),
    (shipping.nothing_for_show, "tests/fakes.py", "demo_jwt = 1\n"),
    (shipping.no_secret_of_ours, "config/a.py", "jwt_secret: SecretStr = SecretStr('')\nPASSWORD_FIELD = 'x'\n"),
    (shipping.no_secret_of_ours, "tests/a.py", "PASSWORD = 'known to everybody'\n"),
    (logs.two_logs, "config/logging.py", "logger.add(sink)\nlogging.basicConfig(force=True)\n"),
    (logs.two_logs, "services/a.py", "@dataclass\nclass Timer: ...\nlogger.info('x')\nlogging.getLogger('y')\n"),
    (logs.two_logs, "exchange/a.py", "logging.basicConfig(level='INFO')\n"),
    (shipping.no_workshop_paths, "deploy/unit.txt", "WorkingDirectory=/opt/opitios/current\n$HOME/work/x/\n"),
    (shipping.no_package_hosts, "Makefile", "uv pip compile --no-emit-index-url\n"),
    (decisions.decisions_are_whole, "docs/decisions/README.md", "no record yet\n"),
]


@pytest.mark.parametrize(("rule", "path", "text", "line"), FAULTS)
def test_a_planted_fault_is_found_and_named(rule: Rule, path: str, text: str, line: int, tmp_path: Path) -> None:
    plant(tmp_path, "docs/decisions/README.md", "0001-a.md\n")
    plant(tmp_path, path, text)

    found = judge(tmp_path, [rule])

    assert [(finding.path, finding.line) for finding in found] == [(path, line)]
    assert str(found[0]).startswith(f"{path}:{line}: ")
    assert found[0].advice


@pytest.mark.parametrize(("rule", "path", "text"), CLEAN)
def test_clean_code_passes(rule: Rule, path: str, text: str, tmp_path: Path) -> None:
    plant(tmp_path, path, text)

    assert judge(tmp_path, [rule]) == []


def test_every_rule_has_a_planted_fault_and_a_clean_example() -> None:
    assert {rule for rule, *_ in FAULTS} == {rule for rule, *_ in CLEAN} == set(RULES)


def test_a_decision_record_missing_from_the_index_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "docs/decisions/README.md", "nothing\n")
    plant(tmp_path, "docs/decisions/0001-a.md", RECORD)

    assert [finding.advice for finding in judge(tmp_path)] == ["add its line to docs/decisions/README.md"]


@pytest.mark.requirement("QUA-001", "FR-003")
def test_what_ships_holds_no_demo_or_test_code_and_no_secret() -> None:
    assert judge(ROOT, [shipping.nothing_for_show, shipping.no_secret_of_ours]) == []


@pytest.mark.requirement("QUA-002", "FR-004")
def test_there_are_two_logs_and_nothing_beside_them() -> None:
    assert judge(ROOT, [logs.two_logs]) == []


@pytest.mark.requirement("NFR-004")
def test_this_tree_keeps_every_rule() -> None:
    assert [str(finding) for finding in judge(ROOT)] == []
