"""The logs of the whole house: every process rotates, compresses and keeps them, and every operation has its line."""

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from config.celery import PLACE_ENTRY
from config.clock import SYSTEM_CLOCK
from config.home import Home
from events.hints import HintPublisher
from stack.processes import applications
from tests.support.house import House, house, until
from tests.support.log_files import log_lines, log_paths
from tests.support.stack import Harness

PROCESSES = [process.name for process in applications()]
ROTATION = 20_000
OLD_LINES = [f"2026-11-20 00:00:00.000 | INFO | line {number:04} of an earlier start" for number in range(400)]
STAMP = "20260101T000000.000000Z"
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \| (DEBUG|INFO|WARNING|ERROR|CRITICAL) \| .+")
DAY_S = 86_400
TOLD = "whoever heard it first"  # a stream or a poll


def fill_up(servers: Harness) -> None:
    """Leave what an earlier start would: a full file of every process, and old ones on both sides of the retention."""
    servers.environ["OPITIOS_LOG_ROTATION"] = "20 KB"
    servers.environ["OPITIOS_LOG_RETENTION_ERRORS"] = "30 days"
    for folder in ("app", "errors"):
        directory = servers.home.logs / folder
        directory.mkdir(parents=True)
        for process in PROCESSES:
            (directory / f"{process}.log").write_text("\n".join(OLD_LINES) + "\n")
            for name, days in ((f"{process}.{STAMP}.log.gz", 31), (f"{process}-2.log", 13)):
                (directory / name).touch()
                then = SYSTEM_CLOCK.now().timestamp() - days * DAY_S
                os.utime(directory / name, (then, then))


@pytest.fixture(scope="module")
def logging_house() -> Iterator[House]:
    """A house whose log files are full at 20 KB."""
    with house(prepare=fill_up) as made:
        yield made


@pytest.fixture(scope="module")
def home(logging_house: House) -> Home:
    return logging_house.servers.home


def packed(home: Home, folder: str, process: str) -> bool:
    """Tell whether a process has compressed something, and nothing lies aside uncompressed."""
    own = [path for path in log_paths(home) if path.parent.name == folder and path.name.startswith(f"{process}.")]
    return any(path.suffix == ".gz" for path in own) and all(
        path.suffix == ".gz" or path.name == f"{process}.log" for path in own
    )


def lines_about(home: Home, process: str, order_id: str) -> list[str]:
    """Return the messages and fields of the lines that name an order."""
    return [line.partition(" | ")[2] for line in log_lines(home, "app", process) if f"order_id={order_id}" in line]


@pytest.mark.requirement("QUA-002", "FR-004")
@pytest.mark.parametrize("process", PROCESSES)
def test_every_process_rotates_compresses_and_keeps_what_it_wrote(
    logging_house: House, home: Home, process: str
) -> None:
    if process == "api":  # it is silent until somebody is refused
        logging_house.place(logging_house.account(), symbol="NOSUCH")
    if process.startswith("worker-e"):  # and those until there is an order
        side = "sell" if process == "worker-exits" else "buy"
        logging_house.ended(logging_house.placed(logging_house.account(), side=side))
    until(lambda: packed(home, "app", process), 20)
    kept = list(log_lines(home, "app", process))

    assert [line for line in kept if "of an earlier start" in line] == OLD_LINES
    assert all(LINE.fullmatch(line) for line in kept)
    names = {path.name for path in log_paths(home) if path.parent.name == "app"}
    assert f"{process}.{STAMP}.log.gz" not in names  # 31 days are over
    assert f"{process}-2.log" in names  # 13 are not
    assert {path.stat().st_mode & 0o777 for path in log_paths(home) if f"{process}.2" in path.name} == {0o600}


@pytest.mark.requirement("QUA-002", "FR-004")
def test_under_load_every_order_has_its_line_once_across_rotated_files(logging_house: House, home: Home) -> None:
    account = logging_house.account()
    before = sum(path.suffix == ".gz" for path in log_paths(home))
    with ThreadPoolExecutor(6) as pool:
        hrefs = list(pool.map(lambda _: logging_house.placed(account, type="limit", limit_price="200"), range(180)))
    orders = [logging_house.ended(href, 40)["order_id"] for href in hrefs]

    wanted = Counter(orders)
    assert until(lambda: placed_in(home, "worker-entries", wanted) == wanted and wanted, 10)
    assert sum(path.suffix == ".gz" for path in log_paths(home)) > before


def placed_in(home: Home, process: str, wanted: Counter[str]) -> Counter[str]:
    """Count the lines `Order placed` of the orders that are looked for."""
    found = re.findall(r"Order placed: .* \| order_id=(\S+)", "\n".join(log_lines(home, "app", process)))
    return Counter(order for order in found if order in wanted)


@pytest.mark.requirement("TRD-001", "FR-005", "ACC-001")
def test_every_operation_of_an_order_has_a_line_in_the_one_form(logging_house: House, home: Home) -> None:
    account, exchange = logging_house.account(), logging_house.exchange
    exchange.set_fills(symbol="MSFT", never=True)
    try:
        old = logging_house.placed(account, symbol="MSFT", type="limit", limit_price="430", qty="5")
        until(lambda: logging_house.order(old)["status"] == "accepted")
        changed = logging_house.call(
            "PATCH", old, json={"limit_price": "431"}, headers={"Idempotency-Key": "the-replacement"}
        )
        new = changed.json()["href"]
        until(lambda: logging_house.order(new)["status"] == "accepted")
        assert logging_house.call("DELETE", new).status_code == 202
        ended = logging_house.ended(new)
        replaced = until(lambda: (found := logging_house.order(old))["status"] == "replaced" and found)
    finally:
        exchange.set_fills(symbol="MSFT", never=None)
    exchange.add_fault("504_after", account=account, method="POST", path="/v2/orders")
    orders = [replaced, ended, logging_house.ended(logging_house.placed(account, qty="7"))]
    said = until(lambda: operations(home, orders, account))

    assert said == [
        ("worker-entries", "Order placed: BUY MSFT qty=5", "paper", "api", "place"),
        (TOLD, "Order replaced: BUY MSFT qty=5", "paper", "api", "replaced"),
        ("worker-entries", "Order replacement placed: BUY MSFT qty=5", "paper", "api", "replace"),
        ("worker-exits", "Order cancel sent: BUY MSFT qty=5", "paper", "api", "cancel"),
        (TOLD, "Order canceled: BUY MSFT qty=5", "paper", "api", "canceled"),
        ("worker-entries", "Price read: AAPL ask=190.02", "paper", "system", "price_read"),
        ("worker-entries", "Order failed: BUY AAPL qty=7", "paper", "api", "place"),
        (TOLD, "Order settled: BUY AAPL qty=7", "paper", "api", "settle"),
        (TOLD, "Order filled: BUY AAPL qty=7 price=190.02", "paper", "api", "filled"),
    ]


def operations(home: Home, orders: list[dict[str, Any]], account: str) -> list[tuple[str, ...]]:
    """Return who wrote what of these orders, in the order of the orders; empty while the last fill has no line."""
    found = []
    for order in orders:
        for process in ("worker-entries", "worker-exits", "worker-background", "streams"):
            for line in lines_about(home, process, order["order_id"]):
                assert f" account={account} account_type=" in line
                assert f" trace_id={order['trace_id']}" in line
                assert re.search(r" \| duration=\d+ms \| (success=true|error=\w+) \| ", line)
                fields = dict(re.findall(r"(\w+)=(\S+)", line))
                words = line.split(" | ")[1]
                writer = TOLD if process in {"worker-background", "streams"} else process
                found.append((writer, words, fields["account_type"], fields["source"], fields["operation"]))
    return list(dict.fromkeys(found)) if any("filled" in words for _, words, *_ in found) else []


@pytest.mark.requirement("TRD-001", "FR-005")
def test_a_balance_read_has_a_line_with_its_timing(home: Home) -> None:
    form = re.compile(
        r".* \| INFO \| Balance read: cash=\S+ \| duration=\d+ms \| success=true \| "
        r"account=acc-\d+ account_type=paper network=\d+ms source=system \| .*operation=balance_read.*"
    )
    assert until(lambda: any(form.fullmatch(line) for line in log_lines(home, "app", "worker-background")))


def test_a_callers_trace_is_on_the_lines_of_the_request(logging_house: House, home: Home) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"Idempotency-Key": "traced", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    body = {"account": logging_house.account(), "symbol": "NOSUCH", "side": "buy", "qty": "1"}
    answer = logging_house.call("POST", "/api/v1/orders", json=body, headers=headers)

    assert (answer.status_code, answer.headers["x-trace-id"]) == (422, trace)
    (line,) = until(lambda: [line for line in log_lines(home, "errors", "api") if trace in line])
    assert " | ERROR | Order failed: BUY NOSUCH qty=1 | " in line


def test_celerys_own_line_about_a_failed_task_says_which_order_it_was_about(logging_house: House, home: Home) -> None:
    hints = HintPublisher(logging_house.settings.redis_url.get_secret_value())
    assert hints.publish(PLACE_ENTRY, ["not-an-order"])
    hints.close()
    said = until(lambda: [line for line in log_lines(home, "errors", "worker-entries") if "not-an-order" in line])

    assert "raised unexpected: ValueError" in said[0]
    assert said[0].endswith(" | order_id=not-an-order | task=orders.place")


def test_without_its_logs_a_worker_still_places_and_records(logging_house: House, home: Home) -> None:
    folder, aside = home.logs / "app", home.logs / "app-aside"
    folder.rename(aside)
    shutil.copytree(aside, home.logs / "app-copy")
    shutil.rmtree(aside)
    folder.touch()  # nobody can write a log here
    try:
        order = logging_house.ended(logging_house.placed(logging_house.account()))
    finally:
        folder.unlink()
        (home.logs / "app-copy").rename(folder)

    assert [event["event"] for event in order["timeline"]] == ["requested", "submitting", "accepted", "filled"]
    printed = home.logs / "process" / "worker-entries.log"
    assert until(lambda: printed.read_text().count("worker-entries.log cannot be written") == 1)


@pytest.mark.requirement("QUA-002", "FR-004")
@pytest.mark.parametrize("process", PROCESSES)
def test_nothing_goes_past_the_logs(home: Home, process: str) -> None:
    printed = (home.logs / "process" / f"{process}.log").read_text()
    assert [
        line for line in printed.splitlines() if not line.startswith("log ")
    ] == []  # the test above is what is said
