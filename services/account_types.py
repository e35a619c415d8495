"""What kind every account is: judged at every read, kept with a history, confirmed by an admin (ACC-001, MON-001)."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from config.settings import AccountSettings
from domain.account_type import AccountType, AccountTypeReading, AccountTypeSource, Configured, Standing, judge, masked
from domain.errors import NothingToConfirm, NumberMovedOn, UnknownAccount
from domain.ids import Ids
from models.unit import Row, Unit
from services.alerts import resolve_alerts
from services.config_changes import Change, record_change
from services.origin import Origin, Stamp

NUMBER_CHANGED = "account_number_changed"
MISMATCH = "account_type_mismatch"
UNREAD = "account_type_unread"
KINDS = (UNREAD, MISMATCH, NUMBER_CHANGED)
"""The alerts about an account's kind: its name is their subject."""

# an answer that began before one that is stored already (by its read_seq, R18) says nothing of the account's kind
_LOCK = """
SELECT a.*, coalesce(b.read_seq, 0) AS read_seq,
       EXISTS (SELECT FROM audit.account_type_changes c WHERE c.account_id = a.account_id) AS has_history
  FROM trading.accounts a LEFT JOIN trading.balances b USING (account_id)
 WHERE a.name = %(name)s FOR NO KEY UPDATE OF a
"""

_WRITE = """
UPDATE trading.accounts SET account_type = %(kind)s, account_type_source = %(source)s, account_number = %(number)s,
  confirmed_number = %(confirmed)s, type_mismatch = %(mismatch)s, entries_blocked = %(blocked)s,
  number_changed_at = CASE WHEN %(changed)s THEN coalesce(number_changed_at, %(now)s) END,
  type_read_at = %(read_at)s, updated_at = now()
 WHERE account_id = %(account_id)s
"""

_STRAY = """
UPDATE trading.notifications n SET resolved_at = %(now)s
 WHERE n.kind = ANY(%(kinds)s) AND n.resolved_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM trading.accounts a WHERE a.name = n.subject AND a.enabled)
RETURNING n.kind, n.subject
"""

_REMEMBER = """
INSERT INTO audit.account_type_changes (change_id, account_id, occurred_at, old_type, new_type, old_source,
  new_source, old_number, new_number, reason, actor)
VALUES (%(id)s, %(account_id)s, %(now)s, %(old_type)s, %(new_type)s, %(old_source)s, %(new_source)s, %(old_number)s,
  %(new_number)s, %(reason)s, %(actor)s)
"""


@dataclass(frozen=True, slots=True)
class TypeUpdate:
    """How the account stands after a read, how it stood before, and why the read told nothing (None: it did)."""

    before: Standing
    after: Standing
    failed: str | None

    @property
    def changed(self) -> bool:
        """Whether type, source or number differ from before."""
        return _identity(self.before) != _identity(self.after)


def store_type(
    unit: Unit,
    account: AccountSettings,
    number: str | None,
    *,
    failed: str | None,
    read_seq: int,
    now: dt.datetime,
    ids: Ids,
    origin: Origin,
) -> TypeUpdate | None:
    """Store the account's type as read; `failed` says why it could not be read (paper rights, marked fallback).

    None, and nothing stored, when the table has another endpoint or key than `account`, which it was read with.

    A contradiction with the configured `paper_trading` blocks entries until it is gone, another number than the
    confirmed one until an admin confirms it (ACC-001). The first word about an account is in its history whatever it
    is, a fallback too, and so is every change, and a first read under another key or endpoint that confirms the type.
    Raises UnknownAccount when it is not in the table.
    """
    stamp = Stamp(now, ids, origin)
    row = _locked(unit, account.name)
    if (row.base_url, row.key_fingerprint) != account.identity:
        return None
    before = _standing(row)
    if failed is None and row.read_seq > read_seq:
        return TypeUpdate(before, before, None)
    if failed is None and not number:
        failed = "the broker gave no account number"
    after = judge(before, number, failed, Configured(account.paper_trading, account.account_type))
    if failed is None or before != after:
        _write(unit, row, after, read_at=now if after.was_read else None, now=now)
    update = TypeUpdate(before, after, failed)
    if update.changed or not row.has_history or (after.was_read and not before.was_read):
        _remember(unit, row.account_id, before, after, reason=_reason(after, failed), stamp=stamp)
    if after.number_changed and not before.number_changed:
        _record(unit, "account number changed", account.name, old=before, new=after, stamp=stamp)
    return update


def confirm_number(unit: Unit, name: str, number: str, *, stamp: Stamp) -> None:
    """Take the number that was read last for the account's own: entries may go on unless something else blocks them.

    Raises UnknownAccount, NothingToConfirm, and NumberMovedOn when `number` is not the one read last.
    """
    row = _locked(unit, name)
    before = _standing(row)
    if not before.number_changed:
        raise NothingToConfirm(f"the number of account {name!r} is the confirmed one: {masked(before.number)}")
    if before.number is None or before.number != number:
        raise NumberMovedOn(f"account {name!r} has the number {masked(before.number)}, not {masked(number)}")
    after = replace(before, confirmed=number, number_changed=False)
    _write(unit, row, after, read_at=row.type_read_at, now=stamp.now)
    _remember(unit, row.account_id, before, after, reason="number confirmed", stamp=stamp)
    _record(unit, "account number confirmed", name, old=before, new=after, stamp=stamp)
    resolve_alerts(unit, [NUMBER_CHANGED], name, now=stamp.now)


def switch_account(unit: Unit, name: str, *, enabled: bool, stamp: Stamp) -> bool:
    """Switch an account's entries off or on again, whatever secrets.yml says; return whether that changed anything.

    What the file switches off stays off. Raises UnknownAccount.
    """
    row = _locked(unit, name)
    if enabled is (row.disabled_by is None):
        return False
    by = None if enabled else stamp.origin.actor
    unit.run(
        "UPDATE trading.accounts SET disabled_by = %(by)s, disabled_at = %(at)s, updated_at = now() "
        "WHERE account_id = %(account_id)s",
        {"by": by, "at": None if enabled else stamp.now, "account_id": row.account_id},
    )
    old, new = ({"account": name, "disabled_by": who} for who in (row.disabled_by, by))
    change = Change("account enabled" if enabled else "account disabled", old, new)
    record_change(unit, change, now=stamp.now, ids=stamp.ids, origin=stamp.origin)
    return True


def read_history(unit: Unit, name: str) -> Sequence[Row]:
    """Return the changes of an account's kind and number, newest first. Raises UnknownAccount."""
    if unit.row("SELECT 1 FROM trading.accounts WHERE name = %(name)s", {"name": name}) is None:
        raise _unknown(name)
    return unit.rows(
        "SELECT * FROM reports.account_types WHERE account = %(name)s ORDER BY occurred_at DESC, account_number",
        {"name": name},
    )


def resolve_strays(unit: Unit, *, now: dt.datetime) -> Sequence[Row]:
    """Close the alerts about accounts that secrets.yml has no more or has switched off: nobody reads them."""
    return unit.rows(_STRAY, {"kinds": list(KINDS), "now": now})


def _locked(unit: Unit, name: str) -> Row:
    row = unit.row(_LOCK, {"name": name})
    if row is None:
        raise _unknown(name)
    return row


def _unknown(name: str) -> UnknownAccount:
    return UnknownAccount(f"no account {name!r}")


def _standing(row: Row) -> Standing:
    return Standing(
        reading=AccountTypeReading(AccountType(row.account_type), AccountTypeSource(row.account_type_source)),
        number=row.account_number,
        confirmed=row.confirmed_number,
        number_changed=row.number_changed_at is not None,
        mismatch=row.type_mismatch,
        was_read=row.type_read_at is not None,
    )


def _identity(standing: Standing) -> tuple[str, str, str | None]:
    return standing.reading.account_type, standing.reading.source, standing.number


def _reason(after: Standing, failed: str | None) -> str | None:
    return after.blocked or failed or after.reading.reason or None


def _record(unit: Unit, what: str, name: str, *, old: Standing, new: Standing, stamp: Stamp) -> None:
    before, after = (
        {
            "account": name,
            "account_number": masked(standing.number),
            "confirmed_number": masked(standing.confirmed),
            "account_type": standing.reading.account_type.value,
            "account_type_source": standing.reading.source.value,
            "entries_blocked": standing.blocked,
        }
        for standing in (old, new)
    )
    record_change(unit, Change(what, before, after), now=stamp.now, ids=stamp.ids, origin=stamp.origin)


def _write(unit: Unit, row: Row, after: Standing, *, read_at: dt.datetime | None, now: dt.datetime) -> None:
    values = {
        "kind": after.reading.account_type.value,
        "source": after.reading.source.value,
        "number": after.number,
        "confirmed": after.confirmed,
        "mismatch": after.mismatch,
        "blocked": after.blocked,
        "changed": after.number_changed,
        "read_at": read_at,
        "now": now,
        "account_id": row.account_id,
    }
    unit.run(_WRITE, values)


def _remember(
    unit: Unit, account_id: uuid.UUID, before: Standing, after: Standing, *, reason: str | None, stamp: Stamp
) -> None:
    values = {
        "id": stamp.ids.new(),
        "account_id": account_id,
        "now": stamp.now,
        "old_type": before.reading.account_type.value,
        "new_type": after.reading.account_type.value,
        "old_source": before.reading.source.value,
        "new_source": after.reading.source.value,
        "old_number": before.number,
        "new_number": after.number,
        "reason": reason,
        "actor": stamp.origin.actor,
    }
    unit.run(_REMEMBER, values)
