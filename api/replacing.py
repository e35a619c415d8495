"""From a request to replace an order to a stored order of its own that takes the other's place (R27)."""

import uuid
from dataclasses import replace

from api.placing import AcceptedOrder, Incoming, cancel_after, instrument_of, key_of, patience, refuse, store
from api.schemas import ReplaceIn
from api.state import ApiState
from config.celery import placing_task
from domain.errors import InvalidOrder, NotReplaceable
from domain.order_checks import problems, problems_with
from domain.orders import FieldProblem, OrderTerms, fingerprint, plain
from models.unit import Row
from risk.rules.replaced import REPLACEABLE
from services.order_facts import terms_of
from services.orders import OrderRequest, find_by_key, read_order


def accept_replacement(state: ApiState, order_id: uuid.UUID, given: Incoming[ReplaceIn]) -> AcceptedOrder:
    """Store the replacement under its key and hint the workers. Raises DomainError; nothing is half-written.

    What is not given stays as it is; the quantity is what is still to trade, of itself what the old order left open.
    """
    with state.database.statement() as unit:
        old = read_order(unit, order_id)
        order = _request(state, old, given)
        before = find_by_key(unit, order)
    if before is not None:
        return AcceptedOrder(before.order_id, order.client_order_id, replayed=True)
    _check(state, old, order.terms)
    requested = store(state, given.user, order)
    if not requested.replayed:
        state.hints.hint(placing_task(order.terms.lane), str(requested.order_id))
    return AcceptedOrder(requested.order_id, order.client_order_id, requested.replayed)


def _request(state: ApiState, old: Row, given: Incoming[ReplaceIn]) -> OrderRequest:
    changes = given.body.changes()
    if not changes:
        expected = "at least one of qty, limit_price, stop_price, trail_price, trail_percent, time_in_force"
        raise InvalidOrder("nothing to change", [FieldProblem("body", "no change", expected)])
    still_open = {} if old.qty is None else {"qty": old.qty - old.filled_qty}
    terms = replace(terms_of(old), **(still_open | changes))
    asked = {name: plain(value) if name != "time_in_force" else str(value) for name, value in changes.items()}
    return OrderRequest(
        order_id=state.ids.new(),
        account_id=old.account_id,
        account_name=old.account,
        account_type=old.account_type,
        account_type_source=old.account_type_source,
        client_order_id=key_of(given.body.client_order_id, given.key_header),
        terms=terms,
        multiplier=int(old.multiplier),
        place_before=given.received_at + patience(state, old.account, terms),
        source="api",
        trace_id=given.trace_id,
        requested_at=given.received_at,
        total_ms=state.clock.monotonic_ms() - given.received_ms,
        replaces=old.order_id,
        replaced_filled=old.filled_qty,
        asked_for=fingerprint({"replaces": str(old.order_id), **asked}),
        cancel_after=cancel_after(state, terms),
        auto_sell_enabled=old.auto_sell_enabled,
    )


def _check(state: ApiState, old: Row, terms: OrderTerms) -> None:
    if old.status not in REPLACEABLE:
        raise NotReplaceable(f"order {old.order_id} is {old.status}, not working at the broker")
    if old.cancel_due_at is not None:
        raise NotReplaceable(f"order {old.order_id} is being cancelled")
    if terms.notional is not None:
        expected = "an order by quantity: the broker does not replace one by notional value"
        raise InvalidOrder(expected, [FieldProblem("notional", plain(terms.notional), expected)])
    refuse(problems(terms))
    refuse(problems_with(terms, instrument_of(state, old.broker, terms.symbol)))
