"""A small world as the judge sees it: three wishes that went well, for a test to spoil."""

import copy
from typing import Any

import pytest

from crucible.record import Asked, Record


def _order(number: int, status: str, filled: str, **more: Any) -> dict[str, Any]:
    return {
        "order_id": f"id-{number}",
        "account": "rich-1",
        "client_order_id": f"wish-{number}",
        "broker_client_id": f"opt-{number}",
        "status": status,
        "rejected_by": None,
        "reason_code": None,
        "symbol": "F",
        "side": "buy",
        "order_type": "market",
        "qty": str(number),
        "limit_price": None,
        "filled_qty": filled,
        "filled_avg_price": None,
        "reserved": "0",
        "spent": "0",
        "replaces": None,
        "requested_at": "2026-03-02T15:00:00+00:00",
        "is_canceled": False,
    } | more


def _events(number: int, *kinds: str) -> list[dict[str, Any]]:
    return [
        {
            "order_id": f"id-{number}",
            "seq": seq,
            "event_type": kind,
            "stage": "claim",
            "reason_code": None,
            "occurred_at": f"2026-03-02T15:00:{number:02}.{seq}+00:00",
            "recorded_at": f"2026-03-02T15:00:{number:02}.{seq}+00:00",
            "process": "worker-entries",
        }
        for seq, kind in enumerate(kinds, start=1)
    ]


def _there(number: int, status: str, *fills: str) -> dict[str, Any]:
    return {
        "client_order_id": f"opt-{number}",
        "symbol": "F",
        "side": "buy",
        "qty": str(number),
        "limit_price": None,
        "status": status,
        "fills": [{"qty": qty, "price": "10"} for qty in fills],
    }


def _fill(number: int, qty: str) -> dict[str, Any]:
    at = f"2026-03-02T15:00:{number:02}.500000+00:00"
    return {"order_id": f"id-{number}", "qty": qty, "price": "10", "cum_qty": qty, "occurred_at": at}


def _asked(number: int) -> Asked:
    terms = {"symbol": "F", "side": "buy", "qty": str(number)}
    return Asked(number, f"wish-{number}", "rich-1", terms, order_ids=[f"id-{number}"], said=["15:00:00 caller POST"])


def small_world() -> Record:
    """Return the record of a run without a flaw: one order filled, one cancelled with a part of it, one refused."""
    refused = {"rejected_by": "opitios", "reason_code": "insufficient_balance"}
    return Record(
        asked=[_asked(number) for number in (1, 2, 3)],
        orders=[_order(1, "filled", "1"), _order(2, "canceled", "1"), _order(3, "rejected", "0", **refused)],
        fills=[_fill(1, "1"), _fill(2, "1")],
        events=[
            *_events(1, "requested", "submitting", "deferred", "submitting", "lease_expired", "unknown", "filled"),
            *_events(2, "requested", "submitting", "accepted", "cancel_requested", "partially_filled", "canceled"),
            *_events(3, "requested", "rejected"),
        ],
        balances={"rich-1": "5015"},
        opening=[{"name": "rich-1", "cash": "5035"}],
        ledger=[{"name": "rich-1", "cash": "5015", "orders": [_there(1, "filled", "1"), _there(2, "canceled", "1")]}],
        minimum="5000",
        healed_at="2026-03-02T15:00:01.000000+00:00",
    )


@pytest.fixture
def record() -> Record:
    """A record that a test may spoil."""
    return copy.deepcopy(small_world())
