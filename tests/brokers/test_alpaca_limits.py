"""Alpaca's words about its limit: three headers, and what a refusal means with and without them."""

import datetime as dt

import pytest

from brokers.alpaca.limits import allowance
from brokers.rate_budget import Allowance

NOW = dt.datetime(2026, 1, 5, 15, 0, tzinfo=dt.UTC)
LATER = str(int(NOW.timestamp()) + 42)


def headers(remaining: str, **more: str) -> dict[str, str]:
    return {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": LATER} | more


@pytest.mark.parametrize(
    ("status", "given", "said"),
    [
        (200, headers("180"), Allowance(refused=False, limit=200, remaining=180)),
        (429, headers("0"), Allowance(refused=True, limit=200, remaining=0, resets_in_s=42)),
        # requests are left in the minute: another limit refused, and nobody says until when
        (429, headers("120"), Allowance(refused=True, limit=200, remaining=120)),
        (429, headers("120", **{"Retry-After": "7"}), Allowance(refused=True, limit=200, remaining=120, resets_in_s=7)),
        (429, {}, Allowance(refused=True)),
        (429, {"X-RateLimit-Reset": "1"}, Allowance(refused=True, resets_in_s=1)),  # a moment that has passed
        (200, {"X-RateLimit-Remaining": "many", "X-RateLimit-Reset": "-1"}, Allowance(refused=False)),
    ],
)
def test_an_answer_says(status: int, given: dict[str, str], said: Allowance) -> None:
    assert allowance(status, given, NOW) == said
