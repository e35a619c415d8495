"""Exercising options: long contracts become their stock at the strike, at once and whole.

Only what open sells do not hold is exercised. Nothing expires by itself on this exchange, so an instruction not to
exercise is checked and has no further effect.
"""

from decimal import Decimal

from exchange import errors
from exchange.decimals import ZERO, plain
from exchange.engine import Engine, affordable
from exchange.holdings import shares_of
from exchange.options import Contract
from exchange.state import Account


def exercise(engine: Engine, account: Account, contract: Contract) -> None:
    """Exercise every free contract; ApiError 403 when there is none, or when money or shares do not suffice."""
    contracts = _free(account, contract, "exercise")
    if not engine.book.is_open:
        raise errors.refused("exercise requests are only allowed during market hours")
    shares, stock = shares_of(contract, contracts), contract.underlying
    if shares > 0:
        affordable(account.buying_power, shares * contract.strike)
    else:
        _check_deliverable(account, stock, -shares)
    engine.commit("exercise", account=account.name, symbol=contract.symbol, qty=plain(contracts))


def check_do_not_exercise(account: Account, contract: Contract) -> None:
    """Raise ApiError 403 unless there is a contract that the instruction could be about."""
    _free(account, contract, "submit DNE for")


def _free(account: Account, contract: Contract, action: str) -> Decimal:
    owned = account.owned(contract.symbol)
    if owned < 0:
        raise errors.short_position(action)
    free = owned - account.held.get(contract.symbol, ZERO)
    if not free:
        raise errors.no_available_position()
    return free


def _check_deliverable(account: Account, stock: str, shares: Decimal) -> None:
    owned, held = account.owned(stock), account.held.get(stock, ZERO)
    if owned - held < shares:
        sells = [order.id for order in account.open_orders.values() if order.symbol == stock and order.side == "sell"]
        raise errors.insufficient_qty(stock, shares, existing=owned, held=held, related_orders=sells)
