"""The whole state table, pair by pair, and what no sequence of steps can do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.order_state import IN_FLIGHT, TERMINAL, TRANSITIONS, OrderEvent, OrderStatus, may_follow, sources_of

S = OrderStatus
END = {S.FILLED, S.CANCELED, S.EXPIRED, S.REPLACED}

# Written out a second time on purpose: a change of the product's table must be made here too, and explained.
FOLLOWERS: dict[OrderStatus, set[OrderStatus]] = {
    # nobody but us knows it yet: claimed, refused by us, taken back, or too late
    S.REQUESTED: {S.SUBMITTING, S.REJECTED, S.CANCELED, S.EXPIRED},
    # on the wire: a fill may overtake the acknowledgement; a 429 sends it back; silence makes it unknown
    S.SUBMITTING: {S.REQUESTED, S.UNKNOWN, S.ACCEPTED, S.PARTIALLY_FILLED, S.REJECTED} | END,
    # settled by a look-up, sent again under the same id, or put aside for a person; never back to requested
    S.UNKNOWN: {S.SUBMITTING, S.ACCEPTED, S.PARTIALLY_FILLED, S.REJECTED, S.QUARANTINED} | END,
    # working at the broker: it may still refuse; fills and cancels race
    S.ACCEPTED: {S.PARTIALLY_FILLED, S.REJECTED, S.QUARANTINED} | END,
    # part of it is ours: it cannot be called refused any more
    S.PARTIALLY_FILLED: {S.QUARANTINED} | END,
    # a person decides, or has it looked up once more
    S.QUARANTINED: {S.UNKNOWN, S.ACCEPTED, S.PARTIALLY_FILLED, S.REJECTED} | END,
    S.FILLED: set(),
    S.CANCELED: set(),
    S.EXPIRED: set(),
    S.REPLACED: set(),
    S.REJECTED: set(),
}
PAIRS = [(before, after) for before in S for after in S if before is not after]


def test_the_table_knows_every_status() -> None:
    assert set(TRANSITIONS) == set(S) == set(FOLLOWERS)


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_status_follows_another_only_where_the_table_says_so(before: S, after: S) -> None:
    assert may_follow(before, after) is (after in FOLLOWERS[before])


@pytest.mark.parametrize("status", S)
def test_an_event_without_a_move_is_always_allowed(status: S) -> None:
    assert may_follow(status, status)


@pytest.mark.parametrize("after", S)
def test_sources_are_the_table_read_backwards(after: S) -> None:
    assert sources_of(after) == {before for before, nexts in FOLLOWERS.items() if after in nexts}


def test_the_ends_are_the_five_that_lead_nowhere() -> None:
    assert {*END, S.REJECTED} == TERMINAL


def test_what_the_broker_may_have_keeps_its_reservation() -> None:
    assert set(S) - TERMINAL - {S.REQUESTED} == IN_FLIGHT


@pytest.mark.parametrize("status", sorted(set(S) - TERMINAL))
def test_every_open_order_can_end(status: S) -> None:
    reached = {status}
    while (more := {after for before in reached for after in TRANSITIONS[before]} | reached) != reached:
        reached = more
    assert reached & TERMINAL


@given(st.sampled_from(S), st.lists(st.sampled_from(S), max_size=12))
def test_no_path_leaves_an_end(start: S, wishes: list[S]) -> None:
    status, ended = start, start if start in TERMINAL else None
    for wish in wishes:
        status = wish if may_follow(status, wish) else status
        ended = ended or (status if status in TERMINAL else None)
        assert ended is None or status is ended


@given(st.lists(st.sampled_from(S), max_size=12))
def test_no_path_calls_an_order_refused_once_part_of_it_filled(wishes: list[S]) -> None:
    status = S.PARTIALLY_FILLED
    for wish in wishes:
        status = wish if wish is not S.QUARANTINED and may_follow(status, wish) else status
        assert status is not S.REJECTED


def test_every_status_has_the_event_of_its_arrival() -> None:
    assert {status.value for status in S} <= {event.value for event in OrderEvent}
