"""Money that many orders want at once: no more is placed than the account can pay for (ACC-002, R4, R18)."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from domain.balance import BalanceRule
from services.accounts import next_read_seq, store_balance
from tasks.balances import check_balance
from tasks.placing import place_order
from tests.support.desk import Desk, DeskMaker, desks


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskMaker]:
    with desks(tmp_path_factory.mktemp("exchange")) as made:
        yield made


@pytest.fixture
def desk(maker: DeskMaker) -> Iterator[Desk]:
    """A desk whose account holds 1,000,000 USD, must keep 5,000, and judges by the cost of the order."""
    with maker.desk(balance_rule=BalanceRule.AFTER, minimum_balance=Decimal(5000)) as made:
        made.exchange.set_fills(never=True)
        yield made


def statuses(desk: Desk) -> list[str]:
    rows = desk.sql.execute("SELECT status FROM trading.orders WHERE account_id = %s", (desk.account_id,)).fetchall()
    return sorted(row["status"] for row in rows)


@pytest.mark.requirement("ACC-002")
def test_of_thirty_buys_at_once_only_those_that_fit_are_placed(desk: Desk) -> None:
    orders = [desk.request(qty="1000", limit="100") for _ in range(30)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda order_id: place_order(desk.ctx, order_id), orders))
    assert statuses(desk) == ["accepted"] * 9 + ["rejected"] * 21


@pytest.mark.requirement("ACC-002")
def test_one_order_hinted_by_many_is_sent_once(desk: Desk) -> None:
    order_id = desk.request(limit="100")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: place_order(desk.ctx, order_id), range(16)))
    assert desk.sent(order_id) == 1
    assert desk.events(order_id).count("submitting") == 1


def filled(desk: Desk) -> uuid.UUID:
    order_id = desk.request(qty="10", limit="500")
    place_order(desk.ctx, order_id)
    desk.exchange.release(account=desk.account)
    desk.poll()
    assert desk.row(order_id)["status"] == "filled"
    return order_id


@pytest.mark.requirement("ACC-002")
def test_a_balance_read_that_began_before_the_fill_frees_nothing(desk: Desk) -> None:
    with desk.ctx.database.statement() as unit:
        begun = next_read_seq(unit)
    reading = desk.ctx.broker(desk.account).read_account()
    order_id = filled(desk)
    with desk.ctx.database.unit() as unit:
        store_balance(unit, desk.account_id, reading, begun)
    assert desk.row(order_id)["spent"] > 0
    assert check_balance(desk.ctx, desk.account_id)
    assert desk.row(order_id)["spent"] == 0
