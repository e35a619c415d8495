"""The configuration on the record: each change once, however many processes read the file (CFG-001).

One row holds what was in force last. Whoever finds it different writes the changes, the accounts and the row in one
transaction under the row's lock; everybody else finds it equal. A secret stands there as a keyed hash.
"""

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from pydantic import SecretStr

from config.fields import MASK, Scalar, flat
from config.settings import Settings
from domain.ids import Ids
from models.unit import Unit
from services.accounts import switch_off, upsert_accounts
from services.config_changes import Change, record_change
from services.origin import Origin
from services.rules_version import SUBJECT, thresholds_in, version_of

_HASHED = "hmac-sha256:"
_SIGNING_KEY = "jwt.secret_key"

# the first to come makes the row, so that there is one to lock; `FOR UPDATE` then holds all others
_LOCK = """
INSERT INTO trading.configuration (one_row, digest, content, source, applied_at)
VALUES (true, '', '{}', '', clock_timestamp()) ON CONFLICT (one_row) DO NOTHING
"""
_READ = "SELECT digest, content FROM trading.configuration FOR UPDATE"
_STORE = """
UPDATE trading.configuration
   SET digest = %(digest)s, content = %(content)s, source = %(source)s, applied_at = clock_timestamp()
"""


def record_configuration(
    unit: Unit,
    settings: Settings,
    *,
    actor: str,
    is_current: Callable[[], bool],
    now: dt.datetime,
    ids: Ids,
    origin: Origin,
) -> frozenset[str]:
    """Write what differs from the record, and the accounts; return the names of the accounts that changed.

    `is_current` is asked under the lock: who was slow and holds what is no longer in the file writes nothing.
    """
    unit.run(_LOCK)
    (stored,) = unit.rows(_READ)
    content = marked(settings)
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    if stored.digest == digest or not is_current():
        return frozenset()
    is_first = not stored.digest
    changes = [_first(content), _rules(content)] if is_first else differences(stored.content, content)
    changed = [account for account in settings.accounts if is_first or _concerns(account.name, changes)]
    upsert_accounts(unit, changed, ids)
    switch_off(unit, sorted(_accounts(stored.content) - _accounts(content)))
    for change in changes:
        record_change(unit, change, now=now, ids=ids, origin=replace(origin, actor=actor))
    unit.run(_STORE, {"digest": digest, "content": json.dumps(content), "source": actor})
    return frozenset(account.name for account in changed)


def marked(settings: Settings) -> dict[str, Scalar]:
    """Return what `secrets.yml` may hold by its dotted name; a secret as a hash under the signing key, cut short.

    Addresses and ports have no dot: they are each process's own, and would be a change whenever another one starts.
    """
    key = settings.jwt_secret.get_secret_value().encode()

    def mark(value: Scalar | SecretStr) -> Scalar:
        if not isinstance(value, SecretStr):
            return value
        return _HASHED + hmac.new(key, value.get_secret_value().encode(), "sha256").hexdigest()[:16]

    content = {name: mark(value) for name, value in flat(settings).items() if "." in name}
    return content | {SUBJECT: version_of(thresholds_in(content))}


def differences(old: Mapping[str, Scalar], new: Mapping[str, Scalar]) -> list[Change]:
    """Return a change for each name that differs; under another signing key the hashes of other secrets say nothing."""
    other_key = old.get(_SIGNING_KEY) != new.get(_SIGNING_KEY)
    changes = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        both_hashed = _is_hashed(before) and _is_hashed(after) and name != _SIGNING_KEY
        if before != after and not (other_key and both_hashed):
            changes.append(_rules(new, before) if name == SUBJECT else Change(name, _shown(before), _shown(after)))
    return changes


def _first(content: Mapping[str, Scalar]) -> Change:
    return Change("configuration", None, {"value": f"{len(content)} values, on record for the first time"})


def _rules(content: Mapping[str, Scalar], before: Scalar | None = None) -> Change:
    """Return the new version of the thresholds with all their values: what a ruling's version is looked up by."""
    return Change(SUBJECT, _shown(before), {"value": content[SUBJECT], "thresholds": thresholds_in(content)})


def _shown(value: Scalar | None) -> dict[str, Scalar] | None:
    return None if value is None else {"value": MASK if _is_hashed(value) else value}


def _is_hashed(value: Scalar | None) -> bool:
    return isinstance(value, str) and value.startswith(_HASHED)


def _concerns(name: str, changes: list[Change]) -> bool:
    return any(change.subject.startswith(f"accounts.{name}.") for change in changes)


def _accounts(content: Mapping[str, Scalar]) -> set[str]:
    return {str(value) for name, value in content.items() if name.startswith("accounts.") and name.endswith(".name")}
