"""Two paper accounts at the simulated exchange, so that a fresh machine has something to trade with.

They are no demo login of Opitios: their keys are generated on this machine, open nothing but the simulated exchange
that runs on it, and pass through the same code as any broker account (QUA-001).
"""

import json
import re
import secrets
import string
from collections.abc import Iterable, Mapping
from pathlib import Path

from stack.errors import StackError
from stack.files import make_private_directory, write_private

_CAPITALS = string.ascii_uppercase + string.digits
_LETTERS = string.ascii_letters + string.digits
_NAMES = ("demo-1", "demo-2")
_START_CASH = "100000"  # USD

ExchangeAccount = Mapping[str, str]


def ensure_exchange_accounts(path: Path) -> list[dict[str, str]]:
    """Return the accounts the simulated exchange opens, making the file with two of them if it is missing.

    Raises StackError for a file that is not a list of accounts.
    """
    try:
        accounts = json.loads(path.read_text(encoding="utf-8"))
        return [{key: str(account[key]) for key in ("name", "key_id", "secret_key")} for account in accounts]
    except FileNotFoundError:
        return _make_exchange_accounts(path)
    except (ValueError, KeyError, TypeError) as error:
        raise StackError(
            f"{path} is not a list of accounts (name, key_id, secret_key, account_number, cash): "
            "correct it, or move it away and new ones are made.",
        ) from error


def ensure_secrets(path: Path, accounts: Iterable[ExchangeAccount], exchange_url: str) -> bool:
    """Write secrets.yml with the exchange's accounts if it is missing; tell whether it was written."""
    if path.exists():
        return False
    header = "# Broker accounts and settings. Yours to edit; changes take effect within five seconds.\n"
    settings = "trading:\n  minimum_balance: 5000\n  balance_check_enabled: true\n"
    write_private(path, header + settings + "accounts:\n" + "".join(_entry(one, exchange_url) for one in accounts))
    return True


def follow_exchange(path: Path, previous_url: str, exchange_url: str) -> bool:
    """Point the accounts at the simulated exchange to its new address; tell whether the file changed.

    Only values of keys ending in `url` that equal the previous address are replaced; every other byte stays.
    """
    if previous_url == exchange_url or not path.is_file():
        return False
    key = r"""(?P<key>[ \t]*["']?\w*url["']?[ \t]*:[ \t]*["']?)"""
    rest = r"""(?P<rest>/?["']?[ \t]*(?:\#.*)?\r?)"""
    value = re.compile(f"^{key}{re.escape(previous_url)}{rest}$", re.MULTILINE)
    text = path.read_bytes().decode("utf-8")
    moved = value.sub(rf"\g<key>{exchange_url}\g<rest>", text)
    if moved == text:
        return False
    status = path.stat()
    write_private(path, moved, owner=(status.st_uid, status.st_gid))
    return True


def _make_exchange_accounts(path: Path) -> list[dict[str, str]]:
    accounts = [
        {
            "name": name,
            "key_id": "PK" + _draw(_CAPITALS, 18),
            "secret_key": _draw(_LETTERS, 40),
            "account_number": "PA" + _draw(_CAPITALS, 10),
            "cash": _START_CASH,
        }
        for name in _NAMES
    ]
    make_private_directory(path.parent)
    write_private(path, json.dumps(accounts, indent=2) + "\n")
    return accounts


def _entry(account: ExchangeAccount, exchange_url: str) -> str:
    # Generated keys are letters and digits; JSON's quoting is valid YAML for whatever a hand-made file holds.
    name, key, secret, url = (
        json.dumps(text) for text in (account["name"], account["key_id"], account["secret_key"], exchange_url)
    )
    return (
        f"  {name}:\n    name: {name}\n    broker: alpaca\n    api_key: {key}\n    secret_key: {secret}\n"
        f"    base_url: {url}\n    data_url: {url}\n    paper_trading: true\n    enabled: true\n"
    )


def _draw(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
