"""What an Alpaca answer to a placement means: accepted, rejected, not accepted, or unknown (R10).

Alpaca reuses its codes, so the HTTP status, the code and the message are read together. Whatever is not a documented
refusal is unknown: an order that may exist is never called rejected.
"""

import json
from collections.abc import Callable
from typing import Any

import requests
from alpaca.common.exceptions import APIError
from urllib3.exceptions import NewConnectionError

from brokers.alpaca.parse import parse_order
from domain.broker import Accepted, NotAccepted, Outcome, Rejected, Unknown

# JSON that is nested too deep, or a number of thousands of digits: Python's reader gives up with these
UNREADABLE = (RecursionError, ValueError)
_HTTP_NOT_FOUND = 404
_HTTP_TOO_MANY = 429
_NO_ORDER = "order not found"
_DUPLICATE = "client_order_id must be unique"
_REFUSALS = {400, 401, 403, 404, 405, 409, 410, 411, 413, 414, 415, 422}
_REASONS = (
    ("insufficient buying power", "insufficient_buying_power"),
    ("insufficient qty", "insufficient_qty"),
    ("insufficient underlying qty", "insufficient_qty"),
    ("wash trade", "wash_trade"),
    ("sub-penny", "sub_penny"),
    ("by user request", "trading_suspended"),
    ("unauthorized", "broker_unauthorized"),
    ("forbidden", "broker_unauthorized"),
    ("not tradable", "not_tradable"),
)


def of_call(call: Callable[[], Any]) -> Outcome:
    """Make the call and return its outcome, whatever comes back or does not."""
    try:
        return of_answer(call())
    except APIError as error:
        return of_status(error.status_code, str(error))
    except requests.exceptions.JSONDecodeError:
        return of_answer(None)
    except requests.RequestException as error:
        return of_failure(error)
    except UNREADABLE:
        return of_answer(None)


def refusal_of(call: Callable[[], Any]) -> tuple[str, str] | None:
    """Make a call whose answer has no content; return why it was not taken, as code and sentence, None when it was."""
    try:
        call()
    except APIError as error:
        message = _message(str(error)) or f"HTTP {error.status_code}"
        return ("rate_limited" if error.status_code == _HTTP_TOO_MANY else f"http_{error.status_code}"), message
    except requests.exceptions.JSONDecodeError:
        return None  # a 2xx whose content nobody needs
    except requests.RequestException as error:
        failure = of_failure(error)
        return failure.reason_code, failure.message
    except UNREADABLE:
        return None
    return None


def of_answer(answer: Any) -> Outcome:
    """Return the outcome of a 2xx: accepted when it carries an order, unknown when it does not."""
    order = parse_order(answer)
    if order is None:
        return Unknown("unreadable_answer", "the broker answered 2xx without a readable order")
    return Accepted(order)


def of_status(status: int, body: str) -> Outcome:
    """Return the outcome of an HTTP error."""
    message = _message(body)
    if status == _HTTP_TOO_MANY:
        return NotAccepted("rate_limited", message or "rate limit exceeded")
    if _DUPLICATE in message:
        return Unknown("duplicate_client_order_id", message)  # the order exists: look it up
    if status in _REFUSALS:
        return Rejected(_reason(message), message or f"HTTP {status}", status)
    return Unknown(f"http_{status}", message or f"HTTP {status}")


def of_failure(error: requests.RequestException) -> NotAccepted | Unknown:
    """Return the outcome of a network fault: not accepted only when no connection was ever made."""
    if _never_connected(error):
        return NotAccepted("connection_refused", "the broker could not be reached")
    kind = "timeout" if isinstance(error, requests.Timeout) else "connection_lost"
    return Unknown(kind, type(error).__name__)


def is_no_such_order(status: int, body: str) -> bool:
    """Return whether the broker itself says that it has no such order; a gateway's 404 says nothing about orders."""
    return status == _HTTP_NOT_FOUND and _NO_ORDER in _message(body)


def _never_connected(error: BaseException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _message(body: str) -> str:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(content.get("message") or "") if isinstance(content, dict) else ""


def _reason(message: str) -> str:
    return next((code for words, code in _REASONS if words in message), "broker_rejected")
