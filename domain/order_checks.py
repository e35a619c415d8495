"""What is wrong with an order, said before anything is written (FR-002).

Every field that cannot be right is named with its value and what was expected, so that an edge can answer once with
all of them. The combinations are Alpaca's: https://docs.alpaca.markets/docs/orders-at-alpaca.
"""

from collections.abc import Iterator
from decimal import Decimal

from domain.occ import is_occ_symbol, looks_like_option
from domain.orders import (
    AssetClass,
    FieldProblem,
    Instrument,
    OrderTerms,
    OrderType,
    TimeInForce,
    decimals,
    short,
)

ONE_DOLLAR = Decimal(1)
MAX_QTY = Decimal("1e9")
MAX_PRICE = Decimal("1e9")
_HUNDRED = Decimal(100)
_QTY_DECIMALS = 9
_CENTS = 2
_PRICE_DECIMALS_BELOW_A_DOLLAR = 4
OCC_FORM = "an OCC option symbol: root, YYMMDD, C or P, strike x 1000 in 8 digits, e.g. AAPL270115C00150000"

_PRICES_OF = {
    OrderType.MARKET: (),
    OrderType.LIMIT: ("limit_price",),
    OrderType.STOP: ("stop_price",),
    OrderType.STOP_LIMIT: ("stop_price", "limit_price"),
    OrderType.TRAILING_STOP: ("trail_price", "trail_percent"),
}
_PRICES = ("limit_price", "stop_price", "trail_price", "trail_percent")
_AT_ONCE = {TimeInForce.IOC, TimeInForce.FOK}


def problems(terms: OrderTerms) -> list[FieldProblem]:
    """Return every field that is wrong whatever the instrument; an empty list means well-formed."""
    return [
        *_symbol_problems(terms),
        *_size_problems(terms),
        *_price_problems(terms),
        *_time_problems(terms),
        *_option_problems(terms),
    ]


def problems_with(terms: OrderTerms, instrument: Instrument | None) -> list[FieldProblem]:
    """Return what is wrong for this instrument (None: nobody knows the symbol)."""
    if instrument is None:
        return [FieldProblem("symbol", terms.symbol, "a symbol the broker lists; see GET /v2/assets at the broker")]
    if not instrument.tradable:
        return [FieldProblem("symbol", terms.symbol, "a symbol that is tradable now")]
    fractional = terms.qty is None or terms.qty != terms.qty.to_integral_value()
    return list(_fraction_problems(terms, instrument)) if fractional else []


def _fraction_problems(terms: OrderTerms, instrument: Instrument) -> Iterator[FieldProblem]:
    field = "notional" if terms.qty is None else "qty"
    if terms.asset_class is AssetClass.OPTION:
        yield FieldProblem(field, terms.size, "a whole number of contracts as qty")
    elif not instrument.fractionable:
        yield FieldProblem(field, terms.size, f"a whole number of shares as qty: {terms.symbol} has no fractions")
    elif terms.time_in_force is not TimeInForce.DAY:
        yield FieldProblem("time_in_force", terms.time_in_force, "day: fractional orders work for one day")
    elif terms.order_type is OrderType.TRAILING_STOP:
        yield FieldProblem("type", terms.order_type, "market, limit, stop or stop_limit for a fractional order")


def _symbol_problems(terms: OrderTerms) -> Iterator[FieldProblem]:
    if looks_like_option(terms.symbol) and not is_occ_symbol(terms.symbol):
        yield FieldProblem("symbol", terms.symbol, OCC_FORM)


def _size_problems(terms: OrderTerms) -> Iterator[FieldProblem]:
    if terms.notional is None:
        yield from _qty_problems(terms.qty)
        return
    if terms.qty is not None:
        yield FieldProblem("notional", short(terms.notional), "qty or notional, not both")
    elif not terms.notional.is_finite() or not 0 < terms.notional <= MAX_PRICE:
        yield FieldProblem("notional", short(terms.notional), "a finite amount above 0 and at most 1000000000")
    elif decimals(terms.notional) > _CENTS:
        yield FieldProblem("notional", short(terms.notional), "at most 2 decimals")
    if terms.order_type is not OrderType.MARKET:
        yield FieldProblem("type", terms.order_type, "market: an order by notional value has no other type")


def _qty_problems(qty: Decimal | None) -> Iterator[FieldProblem]:
    if qty is None:
        yield FieldProblem("qty", "missing", "a quantity, or notional for an amount in USD")
    elif not qty.is_finite() or not 0 < qty <= MAX_QTY:
        yield FieldProblem("qty", short(qty), "a finite number above 0 and at most 1000000000")
    elif decimals(qty) > _QTY_DECIMALS:
        yield FieldProblem("qty", short(qty), "at most 9 decimals")


def _price_problems(terms: OrderTerms) -> Iterator[FieldProblem]:
    wanted = _PRICES_OF[terms.order_type]
    given = {name: getattr(terms, name) for name in _PRICES if getattr(terms, name) is not None}
    for name in (name for name in given if name not in wanted):
        yield FieldProblem(name, short(given[name]), f"no {name}: type {terms.order_type} takes none")
    if terms.order_type is OrderType.TRAILING_STOP:
        if not given.keys() & set(wanted):
            yield FieldProblem("trail_price", "missing", "trail_price or trail_percent: type trailing_stop needs one")
        elif given.keys() >= set(wanted):
            yield FieldProblem("trail_percent", short(given["trail_percent"]), "trail_price or trail_percent, not both")
    else:
        for name in (name for name in wanted if name not in given):
            yield FieldProblem(name, "missing", f"a price: type {terms.order_type} needs one")
    for name in (name for name in wanted if name in given):
        yield from _percent_problems(given[name]) if name == "trail_percent" else _amount_problems(name, given[name])


def _percent_problems(percent: Decimal) -> Iterator[FieldProblem]:
    if not percent.is_finite() or not 0 < percent < _HUNDRED:
        yield FieldProblem("trail_percent", short(percent), "a number above 0 and below 100 (5 is 5 %)")
    elif decimals(percent) > _CENTS:
        yield FieldProblem("trail_percent", short(percent), "at most 2 decimals")


def _amount_problems(name: str, price: Decimal) -> Iterator[FieldProblem]:
    if not price.is_finite() or not 0 < price <= MAX_PRICE:
        yield FieldProblem(name, short(price), "a finite price above 0 and at most 1000000000")
        return
    allowed = _CENTS if price >= ONE_DOLLAR else _PRICE_DECIMALS_BELOW_A_DOLLAR
    if decimals(price) > allowed:
        expected = f"at most {allowed} decimals: sub-penny prices are refused (4 below $1.00)"
        yield FieldProblem(name, short(price), expected)


def _time_problems(terms: OrderTerms) -> Iterator[FieldProblem]:
    tif = terms.time_in_force
    if tif in _AT_ONCE and terms.order_type not in {OrderType.MARKET, OrderType.LIMIT}:
        yield FieldProblem("time_in_force", tif, f"day or gtc: type {terms.order_type} waits for its price")
    if terms.extended_hours and (terms.order_type is not OrderType.LIMIT or tif is not TimeInForce.DAY):
        yield FieldProblem("extended_hours", "true", "false, or type limit with time_in_force day")


def _option_problems(terms: OrderTerms) -> Iterator[FieldProblem]:
    intent = terms.position_intent
    if terms.asset_class is not AssetClass.OPTION:
        if intent is not None:
            yield FieldProblem("position_intent", intent, "no position_intent: it belongs to options")
        return
    if terms.time_in_force is not TimeInForce.DAY:
        yield FieldProblem("time_in_force", terms.time_in_force, "day: option orders work for one day")
    if terms.extended_hours:
        yield FieldProblem("extended_hours", "true", "false: options trade in the session alone")
    if terms.order_type is OrderType.TRAILING_STOP:
        yield FieldProblem("type", terms.order_type, "market, limit, stop or stop_limit for an option")
    if intent is not None and not intent.startswith(f"{terms.side}_"):
        expected = f"{terms.side}_to_open or {terms.side}_to_close: the side is {terms.side}"
        yield FieldProblem("position_intent", intent, expected)
