"""Every adapter keeps every card: numbered sentences about what a broker may do to an order."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.conformance import cards_placing, cards_reading, cards_working
from tests.conformance.alpaca import alpaca
from tests.conformance.venue import CARDS, Venue
from tests.support.exchange import ExchangeProcess

VENUES: dict[str, Callable[[ExchangeProcess], AbstractContextManager[Venue]]] = {"alpaca": alpaca}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    with ExchangeProcess(tmp_path_factory.mktemp("exchange")) as process:
        yield process


@pytest.fixture(params=VENUES)
def venue(request: pytest.FixtureRequest, exchange: ExchangeProcess) -> Iterator[Venue]:
    with VENUES[request.param](exchange) as made:
        yield made


@pytest.mark.requirement("TRD-001")
@pytest.mark.parametrize("number", sorted(CARDS), ids=lambda number: f"{number:02}-{CARDS[number].__name__}")
def test_the_adapter_keeps_the_card(venue: Venue, number: int) -> None:
    CARDS[number](venue)


def test_the_cards_are_numbered_without_a_gap_and_stand_in_their_order() -> None:
    modules = (cards_placing, cards_working, cards_reading)
    written = [number for module in modules for number, run in CARDS.items() if run.__module__ == module.__name__]
    assert written == list(range(1, len(CARDS) + 1))
