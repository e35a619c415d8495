"""The judge finds whatever can be wrong: one flaw is planted at a time, and it is named."""

from crucible.judge import (
    AUDIT,
    CASH,
    DOUBLED,
    FILLS,
    KEY,
    LOST,
    MINIMUM,
    RESERVED,
    STATUS,
    UNSETTLED,
    Judge,
    Violation,
)
from crucible.record import Record


def found(record: Record) -> dict[str, Violation]:
    """Return the violations by kind."""
    return {violation.kind: violation for violation in Judge(record).verdict()}


def kinds(record: Record) -> set[str]:
    return set(found(record))


def test_a_world_without_a_flaw_is_let_go(record: Record) -> None:
    assert Judge(record).verdict() == []


def test_an_acknowledged_order_that_no_row_knows_is_lost(record: Record) -> None:
    record.asked[2].order_ids[0] = "id-unknown"
    assert kinds(record) == {LOST}


def test_a_filled_order_that_the_exchange_never_took_is_lost(record: Record) -> None:
    theirs = record.ledger[0]["orders"]
    theirs.remove(theirs[0])
    assert found(record)[LOST].whose == "wish-1"


def test_a_rejection_without_a_reason_is_a_loss(record: Record) -> None:
    record.orders[2]["reason_code"] = None
    assert kinds(record) == {LOST}


def test_an_order_that_nobody_cancelled_and_nobody_sent_is_lost(record: Record) -> None:
    record.orders[0] |= {"status": "canceled", "filled_qty": "0"}
    record.ledger[0]["orders"].pop(0)
    assert found(record)[LOST].whose == "wish-1"
    record.orders[0]["reason_code"] = "canceled_unsent"
    assert LOST not in kinds(record)


def test_an_order_never_acknowledged_may_be_missing(record: Record) -> None:
    record.asked[2].order_ids.clear()
    record.orders.pop()
    record.events[:] = [event for event in record.events if event["order_id"] != "id-3"]
    assert Judge(record).verdict() == []


def test_a_second_order_of_a_wish_is_doubled_though_its_id_is_another(record: Record) -> None:
    record.ledger[0]["orders"].append(record.ledger[0]["orders"][0] | {"client_order_id": "opt-9", "fills": []})
    doubled = [one for one in Judge(record).verdict() if one.kind == DOUBLED]
    assert {one.whose for one in doubled} == {"wish-1", "opt-9"}  # by its terms, and because no row knows it


def test_an_order_never_acknowledged_may_not_be_there_twice(record: Record) -> None:
    record.asked[0].order_ids.clear()
    record.orders.append(record.orders[0] | {"order_id": "id-9", "broker_client_id": "opt-9", "client_order_id": "x"})
    record.ledger[0]["orders"].append(record.ledger[0]["orders"][0] | {"client_order_id": "opt-9"})
    assert found(record)[DOUBLED].whose == "wish-1"


def test_one_key_answered_with_two_orders_is_named(record: Record) -> None:
    record.asked[0].order_ids.append("id-2")
    assert kinds(record) == {KEY}


def test_an_order_that_has_not_ended_is_unsettled(record: Record) -> None:
    record.orders[0]["status"] = "unknown"
    record.events.pop(6)
    assert kinds(record) == {UNSETTLED}


def test_an_order_given_up_while_unknown_is_looked_for_and_no_loss(record: Record) -> None:
    record.orders[0] |= {"status": "unknown", "is_canceled": True, "filled_qty": "0", "reserved": "11"}
    record.events[6] |= {"event_type": "looked_up", "reason_code": "too_late"}
    record.fills.pop(0)
    record.ledger[0] |= {"cash": "5025", "orders": record.ledger[0]["orders"][1:]}
    record.balances["rich-1"] = "5025"
    assert Judge(record).verdict() == []
    record.orders[0]["is_canceled"] = False  # nobody wanted it gone
    assert kinds(record) == {LOST, UNSETTLED}


def test_an_order_that_ended_differently_there_is_named(record: Record) -> None:
    record.ledger[0]["orders"][1]["status"] = "expired"
    assert kinds(record) == {STATUS}


def test_a_missed_fill_is_named(record: Record) -> None:
    record.fills.pop()
    assert FILLS in kinds(record)


def test_a_fill_applied_twice_is_named(record: Record) -> None:
    record.fills.append(record.fills[0])
    assert FILLS in kinds(record)


def test_a_fill_at_another_price_is_named(record: Record) -> None:
    record.fills[0]["price"] = "10.01"
    assert {FILLS, CASH} <= kinds(record)


def test_a_filled_quantity_that_is_not_its_fills_is_named(record: Record) -> None:
    record.orders[0]["filled_qty"] = "2"
    assert kinds(record) == {FILLS}


def test_a_cent_too_much_is_named(record: Record) -> None:
    record.ledger[0]["cash"] = record.balances["rich-1"] = "5015.01"
    assert kinds(record) == {CASH}


def test_a_stored_balance_that_is_not_the_exchanges_is_named(record: Record) -> None:
    record.balances["rich-1"] = "5025"
    assert kinds(record) == {CASH}


def test_money_that_an_ended_order_holds_back_is_named(record: Record) -> None:
    record.orders[1]["reserved"] = "166"
    assert kinds(record) == {RESERVED}


def test_a_buy_below_the_minimum_is_named(record: Record) -> None:
    record.opening[0]["cash"] = "5009"  # the first buy costs ten: before the second one only 4,999 are left
    record.ledger[0]["cash"] = record.balances["rich-1"] = "4989"
    assert found(record)[MINIMUM].whose == "wish-2"


def test_a_trail_with_a_hole_is_named(record: Record) -> None:
    record.events.pop(1)
    assert "where 2 was to come" in found(record)[AUDIT].text


def test_a_trail_that_the_table_of_states_forbids_is_named(record: Record) -> None:
    record.events[-1]["event_type"] = "replaced"
    assert "from requested to replaced" in found(record)[AUDIT].text


def test_a_trail_that_leads_elsewhere_is_named(record: Record) -> None:
    record.events[-1]["event_type"] = "canceled"
    assert kinds(record) == {AUDIT}


def test_a_violation_shows_what_callers_and_processes_did(record: Record) -> None:
    record.orders[1]["reserved"] = "166"
    timeline = found(record)[RESERVED].timeline
    assert timeline[0] == "15:00:00 caller POST"
    assert timeline[-1].endswith("worker-entries canceled")
