"""The thresholds that orders are judged by as one short version: it stands on every ruling and names their values.

All thresholds of the configuration, those for all and each account's own; a change of any makes another version, which
is on record with its values beside the change (`rules.version` in `audit.config_changes`).
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from config.fields import flat
from config.settings import Settings, TradingSettings

SUBJECT = "rules.version"
_LENGTH = 12


def rules_version(settings: Settings) -> str:
    """Return the version of the thresholds of these settings, the same in every process."""
    return version_of(thresholds_in(flat(settings)))


def thresholds_in(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the thresholds among dotted names and values: `trading.*`, and those that accounts have of their own."""
    return {
        name: value
        for name, value in content.items()
        if name.partition(".")[0] in {"trading", "accounts"} and name.rpartition(".")[2] in TradingSettings.model_fields
    }


def version_of(thresholds: Mapping[str, Any]) -> str:
    """Return the version of thresholds by their dotted names."""
    return hashlib.sha256(json.dumps(thresholds, sort_keys=True).encode()).hexdigest()[:_LENGTH]
