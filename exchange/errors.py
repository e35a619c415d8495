"""Refusals as Alpaca words them: HTTP status, code and message that clients tell apart (codes are reused by Alpaca)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from exchange.decimals import plain


class ApiError(Exception):
    """An answer of 400 and above; `body` is the JSON to send."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def _coded(status: int, code: int, message: str) -> ApiError:
    return ApiError(status, {"code": code, "message": message})


def unauthorized() -> ApiError:
    """Unknown key or wrong secret; this body has no code."""
    return ApiError(401, {"message": "unauthorized"})


def rate_limited() -> ApiError:
    """More requests than the account's minute allows."""
    return _coded(429, 42910000, "rate limit exceeded")


def bad_request(message: str) -> ApiError:
    """Refuse a query or body that cannot be read, or a path that does not exist."""
    return _coded(400, 40010000, message)


def no_endpoint() -> ApiError:
    """Refuse a path this exchange does not speak."""
    return ApiError(404, {"message": "endpoint not found."})


def invalid(message: str) -> ApiError:
    """Refuse an order field that is malformed or missing."""
    return _coded(422, 40010001, message)


def refused(message: str) -> ApiError:
    """Refuse an order that is well-formed and against the rules."""
    return _coded(422, 42210000, message)


def forbidden(message: str) -> ApiError:
    """Refuse an order the account may not place."""
    return _coded(403, 40310000, message)


def duplicate_client_order_id() -> ApiError:
    """Refuse an id that was used before, by an order in whatever state: it exists."""
    return invalid("client_order_id must be unique")


def sub_penny(price: Decimal, name: str = "limit_price") -> ApiError:
    """More decimals than the price rule allows."""
    rule = "sub-penny increment does not fulfill minimum pricing criteria"
    return refused(f"invalid {name} {plain(price)}. {rule}")


def not_cancelable(status: str) -> ApiError:
    """Refuse a cancel that came after the order's end."""
    return refused(f'order is already in "{status}" state')


def exit_price(name: str, base: Decimal, *, below: bool) -> ApiError:
    """Refuse an exit that would trade at once; `base` is the price that it must keep a cent away from."""
    rule = f"{name} must be {'<=' if below else '>='} base_price {'-' if below else '+'} 0.01"
    return ApiError(422, {"base_price": plain(base), "code": 42210000, "message": rule})


def not_replaceable(status: str) -> ApiError:
    """Refuse to replace an order that is on its way in or out."""
    return refused(f"unable to replace order, order is in {status} state")


def no_available_position() -> ApiError:
    """Refuse an exercise instruction for contracts that are not held, or all held by open sells."""
    return forbidden("no available position for the specified contract")


def short_position(action: str) -> ApiError:
    """Refuse an exercise instruction of the side that was sold; `action` as the broker words it."""
    return _coded(403, 40310001, f"cannot {action} short position")


def wash_trade(existing_order_id: str, kind: str) -> ApiError:
    """Refuse an order that could trade against one of the account's own."""
    return ApiError(
        403,
        {
            "code": 40310000,
            "existing_order_id": existing_order_id,
            "message": "potential wash trade detected. use complex orders",
            "reject_reason": f"opposite side {kind} order exists",
        },
    )


def insufficient_buying_power(buying_power: Decimal, cost_basis: Decimal) -> ApiError:
    """Refuse a buy that costs more than is free."""
    return ApiError(
        403,
        {
            "buying_power": plain(buying_power),
            "code": 40310000,
            "cost_basis": plain(cost_basis),
            "message": "insufficient buying power",
        },
    )


def insufficient_qty(
    symbol: str, requested: Decimal, *, existing: Decimal, held: Decimal, related_orders: Sequence[str]
) -> ApiError:
    """Refuse a sell of more than is owned and not held by other sells."""
    available = plain(existing - held)
    return ApiError(
        403,
        {
            "available": available,
            "code": 40310000,
            "existing_qty": plain(existing),
            "held_for_orders": plain(held),
            "message": f"insufficient qty available for order (requested: {plain(requested)}, available: {available})",
            "related_orders": list(related_orders),
            "symbol": symbol,
        },
    )


def not_found(message: str) -> ApiError:
    """Refuse a request for what this account does not have."""
    return _coded(404, 40410000, message)


def order_not_found(order_id: str) -> ApiError:
    """No order of this account has that id."""
    return not_found(f"order not found for {order_id}")


def no_position() -> ApiError:
    """Nothing is held of that symbol."""
    return not_found("position does not exist")


def asset_not_found(symbol: str) -> ApiError:
    """Nothing is listed under that symbol or id."""
    return not_found(f"asset not found for {symbol}")


def contract_not_found(wanted: str) -> ApiError:
    """No option contract has that symbol or id."""
    return not_found(f"option contract {wanted} not found")


def announcement_not_found(wanted: str) -> ApiError:
    """No corporate action was announced under that id."""
    return not_found(f"announcement not found for {wanted}")
