"""Accounts: upserted from the configuration, their balance stored (R18); their kind: `services/account_types.py`."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from config.settings import AccountSettings
from domain.account_type import AccountType, AccountTypeSource
from domain.balance import StoredRead, freed_below
from domain.broker import AccountReading
from domain.ids import Ids
from models.unit import Row, Unit


@dataclass(frozen=True, slots=True)
class AccountRef:
    """What a caller may know of an account without asking again."""

    account_id: uuid.UUID
    name: str
    broker: str
    account_type: AccountType
    account_type_source: AccountTypeSource
    enabled: bool


_COLUMNS = (
    "broker",
    "base_url",
    "key_fingerprint",
    "enabled",
    "minimum_balance",
    "balance_check_enabled",
    "balance_rule",
    "on_balance_error",
)

_UPSERT = """
INSERT INTO trading.accounts AS a (
  account_id, name, broker, base_url, key_fingerprint,
  account_type, account_type_source, enabled, minimum_balance,
  balance_check_enabled, balance_rule, on_balance_error)
VALUES (
  %(account_id)s, %(name)s, %(broker)s, %(base_url)s, %(key_fingerprint)s,
  'paper', 'fallback', %(enabled)s, %(minimum_balance)s,
  %(balance_check_enabled)s, %(balance_rule)s, %(on_balance_error)s)
ON CONFLICT (name) DO UPDATE SET
  broker = excluded.broker, base_url = excluded.base_url, key_fingerprint = excluded.key_fingerprint,
  enabled = excluded.enabled,
  minimum_balance = excluded.minimum_balance, balance_check_enabled = excluded.balance_check_enabled,
  balance_rule = excluded.balance_rule, on_balance_error = excluded.on_balance_error, updated_at = now(),
  -- another endpoint or another key is another account until its number has been read again (R24)
  type_read_at = CASE WHEN (a.base_url, a.key_fingerprint) = (excluded.base_url, excluded.key_fingerprint)
                      THEN a.type_read_at END,
  reconciled_from = CASE WHEN (a.base_url, a.key_fingerprint) = (excluded.base_url, excluded.key_fingerprint)
                         THEN a.reconciled_from END
"""


def upsert_accounts(unit: Unit, accounts: Iterable[AccountSettings], ids: Ids) -> None:
    """Write the configured accounts by name; the table stays the truth for what the broker said of them.

    What an admin has switched off (`disabled_by`) stays off: the file has its own word, `enabled`, and both must agree.
    """
    for account in accounts:
        values = {name: getattr(account, name) for name in _COLUMNS}
        unit.run(_UPSERT, values | {"account_id": ids.new(), "name": account.name})


def switch_off(unit: Unit, names: Sequence[str]) -> None:
    """Switch accounts off whose section is gone: nobody has their keys any more."""
    unit.run(
        "UPDATE trading.accounts SET enabled = false, updated_at = now() WHERE name = ANY(%(names)s)",
        {"names": list(names)},
    )


def all_accounts(unit: Unit, *, enabled_only: bool = True) -> Sequence[Row]:
    """Return the accounts with their balance, by name."""
    return unit.rows(
        "SELECT a.*, b.cash, b.read_at AS balance_read_at FROM trading.accounts a "
        "LEFT JOIN trading.balances b USING (account_id) WHERE a.enabled OR NOT %(enabled_only)s ORDER BY a.name",
        {"enabled_only": enabled_only},
    )


def find_account(unit: Unit, name: str) -> AccountRef | None:
    """Return an account by its name."""
    row = unit.row("SELECT * FROM trading.accounts WHERE name = %(name)s", {"name": name})
    return None if row is None else ref_of(row)


def ref_of(row: Row) -> AccountRef:
    """Return what a caller may know of an account's row."""
    kind, source = AccountType(row.account_type), AccountTypeSource(row.account_type_source)
    return AccountRef(row.account_id, row.name, row.broker, kind, source, row.enabled and row.disabled_by is None)


def next_read_seq(unit: Unit) -> int:
    """Draw the number of a balance read; to be done before its request is sent (R18)."""
    row = unit.row("SELECT nextval('trading.balance_read_seq') AS seq")
    if row is None:  # pragma: no cover  a sequence always answers
        message = "trading.balance_read_seq did not answer"
        raise RuntimeError(message)
    return int(row.seq)


_STORE = """
INSERT INTO trading.balances AS b (account_id, cash, buying_power, equity, read_seq, read_at)
VALUES (%(account_id)s, %(cash)s, %(buying_power)s, %(equity)s, %(read_seq)s, clock_timestamp())
ON CONFLICT (account_id) DO UPDATE SET cash = excluded.cash, buying_power = excluded.buying_power,
  equity = excluded.equity, read_seq = excluded.read_seq, read_at = excluded.read_at
WHERE b.read_seq < excluded.read_seq
RETURNING account_id
"""

_FREE = """
UPDATE trading.orders SET spent = 0
 WHERE account_id = %(account_id)s AND spent > 0 AND spent_seq < %(below)s
"""


def store_balance(unit: Unit, account_id: uuid.UUID, reading: AccountReading, read_seq: int) -> None:
    """Keep a balance read unless a later one is there, and free what it and the read before it agree on (R18)."""
    # the account's lock keeps a claim from adding old cash and freed reservations up
    found = unit.row(
        "SELECT b.cash, b.read_seq FROM trading.accounts a LEFT JOIN trading.balances b USING (account_id) "
        "WHERE a.account_id = %(account_id)s FOR NO KEY UPDATE OF a",
        {"account_id": account_id},
    )
    values = {"cash": reading.cash, "buying_power": reading.buying_power, "equity": reading.equity}
    if unit.row(_STORE, values | {"account_id": account_id, "read_seq": read_seq}) is None:
        return
    previous = None if found is None or found.cash is None else StoredRead(found.cash, found.read_seq)
    below = freed_below(previous, StoredRead(reading.cash, read_seq))
    if below is not None:
        unit.run(_FREE, {"account_id": account_id, "below": below})


def has_spent(unit: Unit, account_id: uuid.UUID) -> bool:
    """Return whether fills of the account wait for a balance that shows them."""
    row = unit.row(
        "SELECT 1 FROM trading.orders WHERE account_id = %(account_id)s AND spent > 0 LIMIT 1",
        {"account_id": account_id},
    )
    return row is not None
