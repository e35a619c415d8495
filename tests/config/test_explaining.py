"""Keys that change nothing are named, with the reason or the key that was meant (CFG-001)."""

import pytest
import yaml

from config.explaining import UNKNOWN, useless_keys
from config.sections import TradingSettings

pytestmark = pytest.mark.requirement("CFG-001")

PREDECESSOR = """
database: {url: mysql}
jwt: {secret_key: x, algorithm: HS512, expiration_hours: 24}
redis: {host: localhost, port: 6379, db: 0, password: null}
app: {debug: true, log_level: INFO, allowed_origins: ["*"]}
allowed_external_ips: []
trading:
  real_data_only: true
  enable_mock_data: false
  strict_error_handling: true
  max_option_symbols_per_request: 20
  minimum_balance: 5000.0
  balance_check_enabled: true
market: {open_hour: 8, timezone: US/Eastern}
rate_limit: {default_limit: 120}
discord: {transaction_channel: null}
sell_module:
  enabled: true
  check_interval: 5
  order_cancel_minutes: 3
  zero_day_handling: true
  strategy_one: {enabled: true, profit_rate: 1.1, stop_loss_rate: 0.8}
alpaca: {api_key: x}
accounts:
  main: {name: main, api_key: x, secret_key: y, paper_trading: true, enabled: true, region: us, tier: premium,
         max_connections: 3}
"""


def said(text: str) -> list[str]:
    return list(useless_keys(yaml.safe_load(text)))


def test_every_key_of_the_predecessors_file_is_used_or_named_with_its_reason() -> None:
    assert [line.partition(": ")[0] for line in said(PREDECESSOR)] == [
        "database.url",
        "jwt.algorithm",
        "redis",
        "app",
        "allowed_external_ips",
        "trading.real_data_only",
        "trading.enable_mock_data",
        "trading.strict_error_handling",
        "trading.max_option_symbols_per_request",
        "market",
        "rate_limit",
        "discord",
        "alpaca",
        "accounts.main.region",
        "accounts.main.tier",
        "accounts.main.max_connections",
    ]
    assert not [line for line in said(PREDECESSOR) if UNKNOWN in line]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "trading: {minimum_balace: 1}",
            "trading.minimum_balace: unknown key, without effect; did you mean minimum_balance?",
        ),
        ("tradign: {}", "tradign: unknown key, without effect; did you mean trading?"),
        ("accounts: {a: {enabeld: no}}", "accounts.a.enabeld: unknown key, without effect; did you mean enabled?"),
        ("jwt: {secret: x}", "jwt.secret: unknown key, without effect; did you mean secret_key?"),
        ("1: 2", "1: unknown key, without effect; expected one of "),
        ("worker: {1: 2}", "worker.1: unknown key, without effect; expected one of events, threads"),
        (
            "sell_module: {strategy_one: {profit: 2}}",
            "sell_module.strategy_one.profit: unknown key, without effect; did you mean profit_rate?",
        ),
    ],
)
def test_a_typo_is_named_with_the_key_that_was_meant(text: str, line: str) -> None:
    (found,) = said(text)
    assert found.startswith(line)


def test_what_is_used_is_not_named() -> None:
    for name in TradingSettings.model_fields:
        assert said(f"trading: {{{name}: 1}}\naccounts: {{a: {{{name}: 1}}, b: }}") == []
