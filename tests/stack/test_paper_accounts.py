"""The paper accounts at the simulated exchange and the settings file that names them."""

import json
import stat
from pathlib import Path

import pytest
import yaml

from stack.errors import StackError
from stack.paper_accounts import ensure_exchange_accounts, ensure_secrets, follow_exchange

URL = "http://127.0.0.1:8092"


@pytest.mark.requirement("QUA-001")
def test_keys_are_generated_on_every_machine_anew(tmp_path: Path) -> None:
    first = ensure_exchange_accounts(tmp_path / "a" / "accounts.json")
    second = ensure_exchange_accounts(tmp_path / "b" / "accounts.json")

    keys = {account[key] for account in first + second for key in ("key_id", "secret_key")}
    assert len(keys) == 8
    assert stat.S_IMODE((tmp_path / "a" / "accounts.json").stat().st_mode) == 0o600


def test_the_settings_name_the_accounts_of_the_exchange(tmp_path: Path) -> None:
    accounts = ensure_exchange_accounts(tmp_path / "accounts.json")
    assert ensure_secrets(tmp_path / "secrets.yml", accounts, URL)

    settings = yaml.safe_load((tmp_path / "secrets.yml").read_text(encoding="utf-8"))
    at_exchange = json.loads((tmp_path / "accounts.json").read_text(encoding="utf-8"))
    assert settings["trading"] == {"minimum_balance": 5000, "balance_check_enabled": True}
    assert settings["accounts"]["demo-2"] == {
        "name": "demo-2",
        "broker": "alpaca",
        "api_key": at_exchange[1]["key_id"],
        "secret_key": at_exchange[1]["secret_key"],
        "base_url": URL,
        "data_url": URL,
        "paper_trading": True,
        "enabled": True,
    }
    assert at_exchange[1]["account_number"].startswith("PA")
    assert (len(at_exchange[1]["account_number"]), at_exchange[1]["cash"]) == (12, "100000")


def test_existing_files_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "secrets.yml").write_text("mine: 1\n", encoding="utf-8")
    first = ensure_exchange_accounts(tmp_path / "accounts.json")

    assert [one["key_id"] for one in ensure_exchange_accounts(tmp_path / "accounts.json")] == [
        one["key_id"] for one in first
    ]
    assert not ensure_secrets(tmp_path / "secrets.yml", first, URL)
    assert (tmp_path / "secrets.yml").read_text(encoding="utf-8") == "mine: 1\n"


def test_a_damaged_accounts_file_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "accounts.json").write_text("{", encoding="utf-8")

    with pytest.raises(StackError, match=r"accounts.json is not a list of accounts"):
        ensure_exchange_accounts(tmp_path / "accounts.json")


def test_accounts_follow_the_exchange_and_nothing_else_changes(tmp_path: Path) -> None:
    path = tmp_path / "secrets.yml"
    before = (
        "# http://127.0.0.1:8092 is the exchange\r\n"
        "accounts:\n"
        "  a:\n"
        f"    base_url: {URL}   # paper\n"
        f'    data_url: "{URL}/"\n'
        f"    note: {URL}\n"
        "  real: # kept\n"
        "    base_url: https://paper-api.alpaca.markets\n"
        f"    data_url: {URL}9\n"
    )
    path.write_bytes(before.encode())

    assert follow_exchange(path, URL, "http://127.0.0.1:9000")

    after = path.read_bytes().decode()
    changed = [(old, new) for old, new in zip(before.split("\n"), after.split("\n"), strict=True) if old != new]
    assert changed == [
        (f"    base_url: {URL}   # paper", "    base_url: http://127.0.0.1:9000   # paper"),
        (f'    data_url: "{URL}/"', '    data_url: "http://127.0.0.1:9000/"'),
    ]
    assert not follow_exchange(path, URL, "http://127.0.0.1:9000")
