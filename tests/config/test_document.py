"""`docs/configuration.md` says what the models say: every key, its default, whose it may be, when it takes effect."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.explaining import UNUSED
from config.fields import LIVE, scalar, shown
from config.sections import AccountSettings, Section, TradingSettings
from config.settings import Settings
from config.sources import ENVIRONMENT, JWT_FIELDS, SECTIONS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
VARIABLES = {field: variable for variable, field in ENVIRONMENT.items()}

_SHORT = 1  # the cells of a row about a key without effect

Row = tuple[str, str, str, str, str]


def rows_of(prefix: str, model: type[Section], *, live: bool) -> list[Row]:
    effect = "live" if live else "restart"
    rows: list[Row] = []
    for name, info in model.model_fields.items():
        if model is AccountSettings and name in TradingSettings.model_fields:
            continue  # said by "per account"
        key = f"{prefix}.{name}"
        if isinstance(info.default, Section):
            rows += rows_of(key, type(info.default), live=live)
            continue
        own = "yes" if model in {TradingSettings, AccountSettings} else "-"
        rows.append((key, default_of(model, name), own, effect, VARIABLES.get(key, "-")))
    return rows


def default_of(model: type[Section], name: str) -> str:
    field = model.model_fields[name]
    has_none = field.is_required() or field.default is None or isinstance(field.default, SecretStr)
    one_for_all = field.default["default"] if isinstance(field.default, Mapping) else field.default
    return "-" if has_none else shown(scalar(one_for_all))


def in_the_models() -> list[Row]:
    rows: list[Row] = []
    for key, field in JWT_FIELDS.items():
        effect = "live" if field in LIVE else "restart"
        rows.append((f"jwt.{key}", default_of(Settings, field), "-", effect, VARIABLES.get(field, "-")))
    for section, model in SECTIONS.items():
        rows += rows_of(section, model, live=section in LIVE)
    return rows + rows_of("accounts.<name>", AccountSettings, live=True)


def in_the_document() -> list[Row]:
    """Return key, default, per account, effect and variable of every row of the tables of keys."""
    found = re.findall(r"(?m)^\| `([\w.<>]+)` \|(.*)\|$", DOCUMENT.read_text(encoding="utf-8"))
    cells = [(key, [cell.strip().strip("`") for cell in rest.split("|")]) for key, rest in found]
    return [(key, row[1], row[3], row[4], row[5]) for key, row in cells if len(row) > _SHORT]


@pytest.mark.requirement("CFG-001", "NFR-004")
def test_the_tables_and_the_models_agree() -> None:
    assert sorted(in_the_document()) == sorted(in_the_models())


def test_every_key_without_effect_is_named_with_its_reason() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = [f"| `{key.replace('*', '<name>')}` | {why} |" for key, why in UNUSED.items()]
    assert [row for row in rows if row not in text] == []


def test_every_variable_is_named() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in (*ENVIRONMENT, "OPITIOS_CONFIG", "OPITIOS_HOME") if f"`{name}`" not in text] == []
