"""An account as it is asked for, by the accounts file at start or through the control port."""

import hashlib
import json
from pathlib import Path
from typing import Any

from exchange.decimals import parse_json
from exchange.engine import Engine
from exchange.fields import FieldError, Fields

_RATE_LIMIT = 200
_NUMBER_DIGITS = 9


def read_account(given: object) -> dict[str, Any]:
    """Read a seed for `Engine.create_account`; FieldError names what is wrong."""
    fields = Fields(given, "account")
    name = fields.text("name")
    seed = {
        "name": name,
        "key_id": fields.text("key_id"),
        "secret_key": fields.text("secret_key"),
        "account_number": fields.text("account_number", _paper_number(name)),
        "cash": fields.money("cash", "100000"),
        "rate_limit": fields.count("rate_limit", _RATE_LIMIT, least=1),
        "shorting_enabled": fields.flag("shorting_enabled", default=False),
    }
    fields.done()
    return seed


def read_account_changes(given: object) -> dict[str, Any]:
    """Read the changes of a PATCH; keys cannot change, and only what is given does."""
    fields = Fields(given)
    readers = {
        "account_number": fields.text,
        "status": fields.text,
        "cash": fields.money,
        "trading_blocked": fields.flag,
        "shorting_enabled": fields.flag,
    }
    changes = {name: read(name) for name, read in readers.items() if name in fields}
    if "rate_limit" in fields:
        changes["rate_limit"] = fields.count("rate_limit", least=1)
    fields.done()
    return changes


def check_free(engine: Engine, seed: dict[str, Any]) -> None:
    """Refuse a name or key that another account has."""
    if seed["name"] in engine.book.accounts:
        raise FieldError("name", "is taken by another account")
    if seed["key_id"] in engine.book.by_key:
        raise FieldError("key_id", "is taken by another account")


def load_accounts(engine: Engine, path: Path) -> None:
    """Open the file's accounts that the journal does not know; FieldError or OSError when it cannot be used.

    For a known name the journal wins (its cash has a history), except that changed keys are taken from the file.
    """
    try:
        entries = parse_json(path.read_bytes())
    except ValueError as error:
        raise FieldError(str(path), "is not JSON") from error
    if not isinstance(entries, list):
        raise FieldError(str(path), "must be a JSON list of accounts")
    for entry in entries:
        _open(engine, read_account(entry))


def _open(engine: Engine, seed: dict[str, Any]) -> None:
    known = engine.book.accounts.get(seed["name"])
    if known is None:
        check_free(engine, seed)
        engine.create_account(seed)
        return
    keys = {"key_id": seed["key_id"], "secret_key": seed["secret_key"]}
    if keys != {"key_id": known.key_id, "secret_key": known.secret_key}:
        if engine.book.by_key.get(seed["key_id"], known) is not known:
            raise FieldError("key_id", "is taken by another account")
        engine.change_account(known, keys)


def _paper_number(name: str) -> str:
    """Read the same number for the same name, in the shape of a paper account's: PA3 and nine capitals or digits."""
    digest = hashlib.sha256(json.dumps(name).encode()).hexdigest().upper()
    return f"PA3{digest[:_NUMBER_DIGITS]}"
