"""Orders are stored once under a key, whoever else is storing it at the same time (R22)."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from domain.errors import KeyReused, NotFound
from services.orders import read_order, request_order
from tasks.context import Context
from tests.support.house import TEST_ORIGIN, Bed, order_request


@pytest.fixture(scope="module")
def ctx(quiet: Bed) -> Context:
    return quiet.context()


def test_sixteen_callers_with_one_key_make_one_order(ctx: Context) -> None:
    wanted = [order_request(ctx, key="one-key") for _ in range(16)]

    def store(number: int) -> tuple[str, bool]:
        with ctx.database.statement() as unit:
            made = request_order(unit, wanted[number], TEST_ORIGIN)
        return str(made.order_id), made.replayed

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(store, range(16)))
    assert len({order_id for order_id, _ in made}) == 1
    assert sum(not replayed for _, replayed in made) == 1


def test_a_key_belongs_to_its_first_terms(ctx: Context) -> None:
    first = order_request(ctx, key="mine", qty=Decimal("1.50"))
    same = dataclasses.replace(order_request(ctx, key="mine", qty=Decimal("1.5")))
    other = order_request(ctx, key="mine", qty=Decimal(2))
    with ctx.database.statement() as unit:
        made = request_order(unit, first, TEST_ORIGIN)
        assert request_order(unit, same, TEST_ORIGIN).order_id == made.order_id
        with pytest.raises(KeyReused, match=str(made.order_id)):
            request_order(unit, other, TEST_ORIGIN)


def test_the_same_key_in_two_accounts_is_two_orders(quiet: Bed) -> None:
    made = set()
    for ctx in (quiet.context(), quiet.context()):
        with ctx.database.statement() as unit:
            made.add(request_order(unit, order_request(ctx, key="shared"), TEST_ORIGIN).order_id)
    assert len(made) == 2


def test_an_unknown_id_is_not_found(ctx: Context) -> None:
    with ctx.database.statement() as unit, pytest.raises(NotFound):
        read_order(unit, order_request(ctx).order_id)
