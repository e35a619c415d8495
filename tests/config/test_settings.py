"""Where settings come from, which source wins, and what a wrong one is told."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from config.home import find_home
from config.settings import ConfigError, Settings, TradingSettings, load_settings, read_settings
from config.sources import read_content
from domain.account_type import AccountType
from domain.balance import BalanceRule, OnBalanceError

CANARY = "canary-9f31-in-more-than-32-letters"
PREDECESSOR = """
app: {name: opitios}          # sections and fields nobody here knows are tolerated
trading:
  minimum_balance: 7500.50
  balance_check_enabled: true
  real_data_only: true
jwt:
  secret_key: a-signing-key-of-at-least-32-letters
  expiration_hours: 24
accounts:
  main:
    api_key: PK1
    secret_key: s1
    paper_trading: true
    tier: premium
  second:
    api_key: PK2
    secret_key: s2
    base_url: https://api.alpaca.markets
    paper_trading: false
    enabled: false
    minimum_balance: "100"
    balance_rule: after
    on_balance_error: deny
  3:
    account_type: live
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and a working directory of its own."""
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


def write(home: Path, *, secrets: str | None = None, runtime: Any = None, **environment: str) -> dict[str, str]:
    """Write the sources; return the environment."""
    if secrets is not None:
        (home / "secrets.yml").write_text(secrets, encoding="utf-8")
    if runtime is not None:
        (home / "runtime.json").write_text(runtime if isinstance(runtime, str) else json.dumps(runtime))
    return {"OPITIOS_HOME": str(home), **environment}


def load(home: Path, **sources: Any) -> Settings:
    return load_settings(write(home, **sources))


def complaint(home: Path, **sources: Any) -> str:
    environment = write(home, **sources)
    with pytest.raises(ConfigError) as caught:  # as a running process reads it, and `opitios config check`
        read_settings(environment, read_content(find_home(environment), environment))
    return str(caught.value)


def test_without_any_source_the_defaults_hold(home: Path) -> None:
    settings = load(home)

    assert settings.api_url == "http://127.0.0.1:8090"
    assert settings.accounts == ()
    assert (settings.trading.minimum_balance, settings.trading.balance_rule) == (Decimal(5000), BalanceRule.BEFORE)
    assert settings.trading.on_balance_error is OnBalanceError.ALLOW
    assert settings.trading.balance_max_age == dt.timedelta(minutes=5)


def test_the_predecessors_file_is_read_as_it_is(home: Path) -> None:
    settings = load(home, secrets=PREDECESSOR)

    assert settings.trading.minimum_balance == Decimal("7500.50")
    assert (settings.jwt_secret.get_secret_value(), settings.jwt_hours) == ("a-signing-key-of-at-least-32-letters", 24)
    main, second, third = settings.accounts
    assert (main.name, main.api_key.get_secret_value(), main.secret_key.get_secret_value()) == ("main", "PK1", "s1")
    assert (main.paper_trading, main.base_url, main.enabled) == (True, "https://paper-api.alpaca.markets", True)
    assert (second.paper_trading, second.base_url, second.enabled) == (False, "https://api.alpaca.markets", False)
    assert (second.minimum_balance, second.balance_rule) == (Decimal(100), BalanceRule.AFTER)
    assert (third.name, third.account_type) == ("3", AccountType.LIVE)


@pytest.mark.requirement("ACC-002")
def test_an_account_may_have_thresholds_of_its_own_or_none(home: Path) -> None:
    settings = load(home, secrets=PREDECESSOR)
    main, second = settings.account("main"), settings.account("second")

    assert main is not None
    assert second is not None
    assert (main.minimum_balance, main.balance_rule, main.on_balance_error) == (None, None, None)
    assert second.on_balance_error is OnBalanceError.DENY
    assert settings.account("nobody") is None


def test_secrets_win_over_the_runtime_file_and_the_environment_over_both(home: Path) -> None:
    runtime = {
        "jwt_secret": "runtime-key-xxxxxxxxxxxxxxxxxxxx",
        "jwt_hours": 1,
        "redis_url": "redis://runtime",
        "ports": {"api": 1234},
    }
    secrets = "jwt: {secret_key: file-key-xxxxxxxxxxxxxxxxxxxxxxx, expiration_hours: 2}"

    assert load(home, runtime=runtime).jwt_secret.get_secret_value() == "runtime-key-xxxxxxxxxxxxxxxxxxxx"
    both = load(home, runtime=runtime, secrets=secrets)
    assert (both.jwt_secret.get_secret_value(), both.jwt_hours) == ("file-key-xxxxxxxxxxxxxxxxxxxxxxx", 2)
    assert (both.redis_url.get_secret_value(), both.api_port) == ("redis://runtime", 1234)
    environment = {
        "OPITIOS_JWT_SECRET": "env-key-xxxxxxxxxxxxxxxxxxxxxxxx",
        "REDIS_URL": "redis://env",
        "OPITIOS_API_PORT": "4321",
    }
    every = load(home, runtime=runtime, secrets=secrets, **environment)
    assert (every.jwt_secret.get_secret_value(), every.jwt_hours) == ("env-key-xxxxxxxxxxxxxxxxxxxxxxxx", 2)
    assert (every.redis_url.get_secret_value(), every.api_port) == ("redis://env", 4321)


def test_an_empty_variable_is_no_value(home: Path) -> None:
    assert load(home, runtime={"redis_url": "redis://runtime"}, REDIS_URL="").redis_url.get_secret_value()


def test_one_switch_of_a_section_leaves_the_others(home: Path) -> None:
    worker = load(home, secrets="worker: {threads: 3}", OPITIOS_WORKER_EVENTS="true").worker
    assert (worker.threads, worker.events) == (3, True)


def test_the_working_directorys_file_wins_over_the_homes_and_a_named_one_over_both(home: Path, tmp_path: Path) -> None:
    assert (
        load(home, secrets="jwt: {secret_key: home-key-xxxxxxxxxxxxxxxxxxxxxxx}").jwt_secret.get_secret_value()
        == "home-key-xxxxxxxxxxxxxxxxxxxxxxx"
    )
    Path("secrets.yml").write_text("jwt: {secret_key: work-key-xxxxxxxxxxxxxxxxxxxxxxx}")
    assert load(home).jwt_secret.get_secret_value() == "work-key-xxxxxxxxxxxxxxxxxxxxxxx"
    named = tmp_path / "named.yml"
    named.write_text("jwt: {secret_key: named-key-xxxxxxxxxxxxxxxxxxxxxx}")
    assert load(home, OPITIOS_CONFIG=str(named)).jwt_secret.get_secret_value() == "named-key-xxxxxxxxxxxxxxxxxxxxxx"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
@pytest.mark.parametrize(
    ("variable", "field"),
    [("DATABASE_URL", "migrations_database_url"), ("OPITIOS_APP_DATABASE_URL", "app_database_url")],
)
def test_a_database_url_of_any_tool_names_our_driver(home: Path, scheme: str, variable: str, field: str) -> None:
    settings = load(home, **{variable: f"{scheme}://u:p@db:5432/opitios?sslmode=require"})
    url = getattr(settings, field).get_secret_value()
    assert url == "postgresql+psycopg://u:p@db:5432/opitios?sslmode=require"


@pytest.mark.parametrize("empty", ["", "# nothing\n", "accounts:\n", "trading:\njwt:\n", "accounts: {main: }"])
def test_what_is_empty_is_left_at_its_default(home: Path, empty: str) -> None:
    assert load(home, secrets=empty).trading.minimum_balance == 5000


@pytest.mark.requirement("ACC-002")
@pytest.mark.parametrize(
    ("secrets", "field", "words"),
    [
        ("trading: {minimum_balance: -1}", "trading.minimum_balance", "greater than or equal to 0 (value: -1)"),
        ("trading: {minimum_balance: much}", "trading.minimum_balance", "valid decimal (value: 'much')"),
        ("trading: {minimum_balance: .nan}", "trading.minimum_balance", "finite number"),
        ("trading: {minimum_balance: .inf}", "trading.minimum_balance", "finite number"),
        ("trading: {balance_rule: sometimes}", "trading.balance_rule", "'before' or 'after' (value: 'sometimes')"),
        ("trading: {on_balance_error: maybe}", "trading.on_balance_error", "'allow' or 'deny' (value: 'maybe')"),
        ("trading: {balance_max_age: -1}", "trading.balance_max_age", "greater than or equal to"),
        ("trading: {market_place_before: 0}", "trading.market_place_before", "greater than"),
        ("trading: {market_collar: 2}", "trading.market_collar", "less than or equal to 1 (value: 2)"),
        ("jwt: {expiration_hours: 169}", "jwt.expiration_hours", "less than or equal to 168 (value: 169)"),
        ("accounts: {main: {minimum_balance: -5}}", "accounts.main.minimum_balance", "(value: -5)"),
        ("accounts: {main: {rate_limit_per_minute: 0}}", "accounts.main.rate_limit_per_minute", "greater than 0"),
        ("accounts: {main: {paper_trading: perhaps}}", "accounts.main.paper_trading", "valid boolean"),
        ("database: {pool_max: 101}", "database.pool_max", "less than or equal to 100 (value: 101)"),
        ("database: {pool_min: 0}", "database.pool_min", "greater than or equal to 1 (value: 0)"),
        ("database: {pool_min: 11}", "database.pool_max", "expected at least pool_min (11)"),
        ("worker: {threads: 30}", "worker", "at most 100 database connections over all processes; worker.threads 30"),
        ("database: {pool_max: 46}", "worker", "database.pool_max 46 make 101"),
        ("accounts: [main]", "accounts", "expected a mapping, found list"),
        ("accounts: {main: yes}", "accounts.main", "expected a mapping, found bool"),
        ("jwt: secret", "jwt", "expected a mapping, found str"),
        ("trading: 5000", "trading", "expected a mapping, found int"),
    ],
)
def test_a_wrong_value_is_named_with_file_field_value_and_expectation(
    home: Path, secrets: str, field: str, words: str
) -> None:
    said = complaint(home, secrets=secrets)

    assert said.startswith(f"{home / 'secrets.yml'}: {field}: ")
    assert words in said


def test_several_wrong_values_are_said_at_once(home: Path) -> None:
    said = complaint(home, secrets="trading: {minimum_balance: -1}\njwt: {expiration_hours: 0}", OPITIOS_API_PORT="no")

    assert [line.split(": ")[1] for line in said.splitlines()] == [
        "OPITIOS_API_PORT",
        "jwt.expiration_hours",
        "trading.minimum_balance",
    ]


def test_a_wrong_variable_is_named_and_not_the_file(home: Path) -> None:
    said = complaint(home, secrets=PREDECESSOR, OPITIOS_API_PORT="eighty")
    assert said.startswith("environment: OPITIOS_API_PORT: ")
    assert said.endswith("(value: 'eighty')")


def test_a_wrong_switch_of_the_workers_is_named(home: Path) -> None:
    assert complaint(home, OPITIOS_WORKER_EVENTS="perhaps").startswith("environment: OPITIOS_WORKER_EVENTS: ")


def test_a_wrong_value_of_the_stack_is_named(home: Path) -> None:
    assert complaint(home, runtime={"api_port": "x"}).startswith(f"{home / 'runtime.json'}: api_port: ")


@pytest.mark.parametrize(
    "secrets",
    [
        f"jwt: {{secret_key: [{CANARY}]}}",
        f"jwt: {{secret_key: {{a: {CANARY}}}}}",
        f"jwt: {CANARY}",
        f"jwt: [{CANARY}]",
        f"accounts: {{main: {{api_key: [{CANARY}], secret_key: [{CANARY}]}}}}",
        f"accounts: {{main: {CANARY}}}",
        f"accounts: {CANARY}",
        f"accounts: {{main: {{base_url: [{CANARY}]}}}}",
        f"accounts: {{main: {{secret_key: {CANARY}, minimum_balance: -1}}}}",
        f"jwt: {{secret_key: {CANARY}\naccounts: ]",  # broken YAML
        f"{CANARY}",
        f"trading: [{CANARY}]",
    ],
)
def test_no_complaint_shows_a_secret(home: Path, secrets: str) -> None:
    assert CANARY not in complaint(home, secrets=secrets)


@pytest.mark.parametrize(
    "secrets",
    [
        "jwt: {secret_key: 93141592}",
        "accounts: {main: {api_key: 93141592}}",
        "accounts: {main: {secret_key: 93141592}}",
        "accounts: {main: {base_url: 93141592}}",
    ],
)
def test_a_secret_that_is_no_text_is_named_and_not_shown(home: Path, secrets: str) -> None:
    said = complaint(home, secrets=secrets)
    assert "valid string" in said
    assert "93141592" not in said


def test_no_secret_is_shown_by_the_settings_themselves(home: Path) -> None:
    secrets = f"jwt: {{secret_key: {CANARY}}}\naccounts: {{main: {{api_key: {CANARY}, secret_key: {CANARY}}}}}"
    settings = load(home, secrets=secrets, DATABASE_URL=f"postgres://u:{CANARY}@db/x", REDIS_URL=f"redis://:{CANARY}@r")

    assert CANARY not in repr(settings)
    assert CANARY not in str(settings.model_dump())
    assert CANARY not in settings.model_dump_json(exclude={"home"})


def test_broken_yaml_is_named_with_its_line(home: Path) -> None:
    said = complaint(home, secrets="trading:\n  minimum_balance: 1\n bad: [\n")
    assert said.startswith(f"{home / 'secrets.yml'}, line 3: not valid YAML")


@pytest.mark.parametrize("content", ["[]", "7", "{", "\x00"])
def test_a_broken_runtime_file_says_how_to_get_a_new_one(home: Path, content: str) -> None:
    said = complaint(home, runtime=content)
    assert said.startswith(str(home / "runtime.json"))
    assert "start the stack again" in said


def test_text_of_another_encoding_is_named(home: Path) -> None:
    (home / "secrets.yml").write_bytes(b"jwt: {secret_key: \xff}")
    assert "expected UTF-8" in complaint(home)


def test_a_named_file_that_is_missing_is_no_empty_one(home: Path) -> None:
    said = complaint(home, OPITIOS_CONFIG="/no/such/secrets.yml")
    assert said.startswith("/no/such/secrets.yml: No such file")


def test_settings_do_not_change_under_anybodys_hands(home: Path) -> None:
    settings = load(home)
    with pytest.raises(ValueError, match="frozen"):
        settings.api_port = 1


@pytest.mark.requirement("CFG-001")
@pytest.mark.parametrize(
    ("secrets", "minimum", "enabled"),
    [
        ("trading: {minimum_balance: -1}", 5000, "True"),
        ("trading: {minimum_balance: lots, balance_check_enabled: false}", 5000, "False"),
        ("trading: {minimum_balance: yes}", 5000, "True"),
        ("trading: {balance_check_enabled: perhaps, minimum_balance: 7000}", 7000, "True"),
        ("trading: {minimum_balance: 1e15}", 5000, "True"),
    ],
)
def test_a_start_with_a_wrong_threshold_takes_the_safe_one(
    home: Path, secrets: str, minimum: int, enabled: str
) -> None:
    trading = load(home, secrets=secrets).trading
    assert (int(trading.minimum_balance), str(trading.balance_check_enabled)) == (minimum, enabled)


@pytest.mark.requirement("CFG-001")
@pytest.mark.parametrize(("for_all", "safe"), [(100, 5000), (25_000, 25_000)])
def test_an_account_with_a_wrong_threshold_is_not_held_to_less(home: Path, for_all: int, safe: int) -> None:
    secrets = f"trading: {{minimum_balance: {for_all}}}\naccounts: {{main: {{minimum_balance: x, enabled: true}}}}"
    account = load(home, secrets=secrets).account("main")
    assert account is not None
    assert account.minimum_balance == safe


def test_a_start_with_anything_else_wrong_is_refused(home: Path) -> None:
    environment = write(home, secrets="trading: {minimum_balance: -1}\ndatabase: {pool_max: 0}")
    with pytest.raises(ConfigError, match=r"database\.pool_max"):
        load_settings(environment)


@pytest.mark.requirement("CFG-001")
@pytest.mark.parametrize("name", TradingSettings.model_fields)
def test_the_environment_wins_over_the_file_for_every_threshold(home: Path, name: str) -> None:
    given = {"balance_check_enabled": "false", "balance_rule": "after", "on_balance_error": "deny"}.get(name, "1")
    default = getattr(TradingSettings(), name)
    trading = load(home, secrets="trading: {minimum_balance: 9}", **{f"OPITIOS_TRADING_{name.upper()}": given}).trading
    assert getattr(trading, name) != default
    assert trading.minimum_balance == (1 if name == "minimum_balance" else 9)


@pytest.mark.requirement("CFG-001")
@pytest.mark.parametrize("name", TradingSettings.model_fields)
def test_every_threshold_may_be_an_accounts_own(home: Path, name: str) -> None:
    given = {"balance_check_enabled": "false", "balance_rule": "after", "on_balance_error": "deny"}.get(name, "1")
    settings = load(home, secrets=f"accounts: {{main: {{{name}: {given}}}, other: }}")
    assert getattr(settings.trading_of("main"), name) != getattr(settings.trading, name)
    assert settings.trading_of("other") == settings.trading_of("nobody") == settings.trading


def test_two_accounts_of_one_name_are_refused(home: Path) -> None:
    said = complaint(home, secrets="accounts: {a: {name: main}, b: {name: main}}")
    assert said == f"{home / 'secrets.yml'}: accounts: expected a name for each; two or more are called main"


@pytest.mark.parametrize("broken", ["day: 2024-13-45", "{[1]: 2}", "a: &b [*b", "- 1", "\x00"])
def test_what_is_no_mapping_in_yaml_is_said_so(home: Path, broken: str) -> None:
    assert complaint(home, secrets=broken).startswith(str(home / "secrets.yml"))


def test_flower_has_what_the_stack_chose_and_the_environment_wins(home: Path) -> None:
    runtime = {"ports": {"api": 1, "flower": 5001}, "passwords": {"flower": CANARY, "redis": "x"}}
    secrets = "flower:\n  read_only: false\n  password: from-the-file\n"

    chosen = load(home, runtime=runtime).flower
    assert (chosen.port, chosen.password.get_secret_value(), chosen.read_only) == (5001, CANARY, True)
    given = load(home, secrets=secrets, OPITIOS_FLOWER_HOST="0.0.0.0").flower  # noqa: S104  a container's own
    assert (given.host, given.port, given.read_only) == ("0.0.0.0", 5001, False)  # noqa: S104
    assert given.password.get_secret_value() == "from-the-file"
    beside = load(home, secrets="flower: {read_only: false}\n").flower  # what the file leaves out stays the stack's
    assert (beside.password.get_secret_value(), beside.read_only) == (CANARY, False)
    assert load(home, OPITIOS_FLOWER_PASSWORD="from-outside").flower.password.get_secret_value() == "from-outside"


def test_a_wrong_setting_of_flower_names_its_place(home: Path) -> None:
    assert complaint(home, OPITIOS_FLOWER_PORT="http").startswith("environment: OPITIOS_FLOWER_PORT: ")
    assert "secrets.yml: flower.user: " in complaint(home, secrets="flower: {user: 'a:b'}\n")
