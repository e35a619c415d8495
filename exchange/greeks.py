"""What an option's price says about its stock: the volatility that explains it, and how it moves (Black-Scholes)."""

import math
from dataclasses import dataclass

_RATE = 0.04
"""The yearly interest that is reckoned with; the price itself knows of none."""
_DAYS = 365
_LEAST, _MOST = 0.01, 5.0
_STEPS = 40
_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Terms:
    """A contract as the formula sees it: USD, years, call or put."""

    spot: float
    strike: float
    years: float
    is_call: bool


def implied(terms: Terms, price: float) -> float | None:
    """Give the yearly volatility that explains a price, None when none does."""
    if not _price(terms, _LEAST) < price < _price(terms, _MOST):
        return None
    low, high = _LEAST, _MOST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if _price(terms, middle) > price else (middle, high)
    return round(high, _DECIMALS)


def greeks(terms: Terms, volatility: float) -> dict[str, float]:
    """Give delta, gamma, theta (a day), vega and rho (a hundredth)."""
    d1, d2 = _distances(terms, volatility)
    root, discount = math.sqrt(terms.years), math.exp(-_RATE * terms.years)
    sign = 1 if terms.is_call else -1
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    decay = terms.spot * density * volatility / (2 * root)
    interest = _RATE * terms.strike * discount * _normal(sign * d2)
    found = {
        "delta": sign * _normal(sign * d1),
        "gamma": density / (terms.spot * volatility * root),
        "theta": (-decay - sign * interest) / _DAYS,
        "vega": terms.spot * density * root / 100,
        "rho": sign * terms.strike * terms.years * discount * _normal(sign * d2) / 100,
    }
    return {name: round(value, _DECIMALS) for name, value in found.items()}


def years_until(days: int) -> float:
    """Give the years to an expiry that is so many days ahead; its own day still counts as one."""
    return max(days, 1) / _DAYS


def _price(terms: Terms, volatility: float) -> float:
    d1, d2 = _distances(terms, volatility)
    sign = 1 if terms.is_call else -1
    discounted = terms.strike * math.exp(-_RATE * terms.years)
    return sign * (terms.spot * _normal(sign * d1) - discounted * _normal(sign * d2))


def _distances(terms: Terms, volatility: float) -> tuple[float, float]:
    spread = volatility * math.sqrt(terms.years)
    d1 = (math.log(terms.spot / terms.strike) + (_RATE + volatility**2 / 2) * terms.years) / spread
    return d1, d1 - spread


def _normal(distance: float) -> float:
    return (1 + math.erf(distance / math.sqrt(2))) / 2
