"""What the sources of the settings say, before anybody judges it: `runtime.json`, `secrets.yml`, the environment.

Two tables tell where a value may come from: `SECTIONS` of `secrets.yml`, and the names in the environment.
"""

import json
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from config.home import Home
from config.log_settings import LoggingSettings
from config.sections import (
    AuditSettings,
    BreakerSettings,
    ClockSettings,
    DatabaseSettings,
    FlowerSettings,
    ReconcileSettings,
    RetentionSettings,
    Section,
    TradingSettings,
    WorkerSettings,
)
from config.sell_settings import SellSettings

SECTIONS: dict[str, type[Section]] = {
    "trading": TradingSettings,
    "breaker": BreakerSettings,
    "database": DatabaseSettings,
    "worker": WorkerSettings,
    "reconcile": ReconcileSettings,
    "clock": ClockSettings,
    "retention": RetentionSettings,
    "sell_module": SellSettings,
    "audit": AuditSettings,
    "flower": FlowerSettings,
    "logging": LoggingSettings,
}


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


_SHORTER = {"logging": "log"}  # in the names of environment variables
# the predecessor's section jwt stands in two fields of ours
JWT_FIELDS = {"secret_key": "jwt_secret", "expiration_hours": "jwt_hours"}

# environment variable -> field; the five URLs are what containers and systemd units set
ENVIRONMENT = {
    "OPITIOS_PROCESS": "process",
    "OPITIOS_API_HOST": "api_host",
    "OPITIOS_API_PORT": "api_port",
    "OPITIOS_APP_DATABASE_URL": "app_database_url",
    "OPITIOS_COMPLIANCE_DATABASE_URL": "compliance_database_url",
    "OPITIOS_SEALER_DATABASE_URL": "sealer_database_url",
    "DATABASE_URL": "migrations_database_url",
    "REDIS_URL": "redis_url",
    "OPITIOS_JWT_SECRET": "jwt_secret",
    "OPITIOS_JWT_HOURS": "jwt_hours",
    "OPITIOS_EXCHANGE_URL": "exchange_url",
} | {
    f"OPITIOS_{_SHORTER.get(section, section)}_{name}".upper(): f"{section}.{name}"
    for section, model in SECTIONS.items()
    for name, field_info in model.model_fields.items()
    if not _is_section(field_info.annotation)
}

CONFIG_VARIABLE = "OPITIOS_CONFIG"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where the wheel has it


class ConfigError(Exception):
    """The configuration cannot be used; the message names file, field, value and what was expected."""


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of `secrets.yml` as they were read; no path where nobody has such a file."""

    path: Path | None = None
    data: bytes = b""
    problem: str | None = None

    @property
    def actor(self) -> str:
        """Who stands behind these values, for the record: the file and its owner's name."""
        if self.path is None:
            return "environment"
        try:
            owner = pwd.getpwuid(self.path.stat().st_uid).pw_name
        except (OSError, KeyError):
            owner = "unknown"
        return f"file:{self.path.name} owner={owner}"


@dataclass(frozen=True, slots=True)
class Sources:
    """The raw values by source; `values` is what wins: runtime.json, then secrets.yml, then the environment."""

    home: Home
    content: Content
    tree: Mapping[str, Any]
    values: dict[str, Any]
    origin: Mapping[str, str] = field(default_factory=dict)

    def place(self, location: tuple[str | int, ...]) -> str:
        """Return the file and the field as it stands there, or the environment variable."""
        if location[0] == "accounts" and len(location) > 1:
            name = self.values["accounts"][location[1]]["name"]
            return f"{self.content.path}: {'.'.join(['accounts', name, *map(str, location[2:])])}"
        dotted = ".".join(map(str, location))
        origin = self._origin_of(dotted)
        if origin.startswith("environment"):
            return origin
        in_file = origin == "file" or location[0] in SECTIONS
        return f"{self.content.path if in_file else self.home.runtime}: {dotted_name(dotted)}"

    def source_of(self, name: str) -> str:
        """Return where the value of a dotted name comes from: default, stack, file or an environment variable."""
        if name.startswith("accounts."):
            entry, _, key = name.removeprefix("accounts.").rpartition(".")
            account = next(account for account in self.values["accounts"] if account["name"] == entry)
            return "file" if account.get(key) is not None else "default"
        own = next((of for key, of in JWT_FIELDS.items() if name == f"jwt.{key}"), name)
        return self._origin_of(own) or "default"

    def _origin_of(self, dotted: str) -> str:
        """Return where a value was given: under its own name, or as part of one above it (one number for a map)."""
        while dotted:
            if dotted in self.origin:
                return self.origin[dotted]
            dotted = dotted.rpartition(".")[0]
        return ""


def dotted_name(field_name: str) -> str:
    """Return a field's name as `secrets.yml` spells it."""
    return next((f"jwt.{name}" for name, of in JWT_FIELDS.items() if of == field_name), field_name)


def secrets_path(home: Home, env: Mapping[str, str]) -> Path | None:
    """Return the `secrets.yml` in force: OPITIOS_CONFIG, the working directory's, the home's; None without one."""
    given = env.get(CONFIG_VARIABLE)
    if given:
        return Path(given)
    return next((path for path in (Path("secrets.yml"), home.secrets) if path.is_file()), None)


def read_content(home: Home, env: Mapping[str, str]) -> Content:
    """Read the file in force as it is now; that it cannot be read is part of the answer."""
    path = secrets_path(home, env)
    if path is None:
        return Content()
    try:
        return Content(path, path.read_bytes())
    except OSError as error:
        return Content(path, problem=f"{path}: {error.strerror}; name another file with OPITIOS_CONFIG")


def gather(home: Home, env: Mapping[str, str], content: Content, known: frozenset[str]) -> Sources:
    """Lay the sources over each other; `known` are the fields that runtime.json may set. Raises ConfigError."""
    values = _runtime(home.runtime, known)
    origin = {dotted: "stack" for name, value in values.items() for dotted in _dotted(name, value)}
    tree = _tree(content)
    for name, value in _from_tree(content, tree).items():
        values[name] = values.get(name, {}) | value if name in SECTIONS else value
        origin |= dict.fromkeys(_dotted(name, value), "file")
    for variable, dotted in ENVIRONMENT.items():
        if env.get(variable):
            section, _, key = dotted.partition(".")
            given = _with_driver(env[variable])
            values[section] = dict(values.get(section, {})) | {key: given} if key else given
            origin = {name: of for name, of in origin.items() if not name.startswith(f"{dotted}.")}
            origin[dotted] = f"environment: {variable}"
    return Sources(home, content, tree, values, origin)


def _dotted(name: str, value: Any) -> list[str]:
    """Return the names of what is given: of a section its keys, of a section within it theirs."""
    if name.partition(".")[0] not in SECTIONS or not isinstance(value, Mapping):
        return [name]
    return [dotted for key, inner in value.items() for dotted in _dotted(f"{name}.{key}", inner)]


def _with_driver(value: str) -> str:
    """Return a Postgres URL with our driver named; other values as they are."""
    scheme, separator, rest = value.partition("://")
    return f"postgresql+psycopg://{rest}" if separator and scheme in {"postgres", "postgresql"} else value


def _runtime(path: Path, known: frozenset[str]) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; OPITIOS_HOME must name a directory of this user") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not readable as JSON ({error}); start the stack again to write it anew") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected an object at the top; start the stack again to write it anew")
    values = {key: value for key, value in content.items() if key in known}
    ports = content.get("ports") or {}
    if "api" in ports:
        values.setdefault("api_port", ports["api"])
    found = {"port": ports.get("flower"), "password": (content.get("passwords") or {}).get("flower")}
    return values | {"flower": {key: value for key, value in found.items() if value is not None}}


def _tree(content: Content) -> dict[str, Any]:
    """Return the file as mappings, sections that stand there alone. Raises ConfigError without showing any of it."""
    path = content.path
    if content.problem is not None:
        raise ConfigError(content.problem)
    try:
        tree = yaml.load(content.data.decode("utf-8"), Loader=_Loader) or {}  # noqa: S506  both loaders are safe ones
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected UTF-8 text") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that is none
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{path}{where}: not valid YAML") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected a mapping at the top, found {type(tree).__name__}")
    return tree


def _from_tree(content: Content, tree: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {key: _mapping(content, key, tree[key]) for key in SECTIONS if key in tree}
    accounts = _mapping(content, "accounts", tree.get("accounts"))
    values["accounts"] = tuple(
        _named(_mapping(content, f"accounts.{key}", entry), str(key)) for key, entry in accounts.items()
    )
    jwt = _mapping(content, "jwt", tree.get("jwt"))
    return values | {field: jwt[key] for key, field in JWT_FIELDS.items() if key in jwt}


def _named(account: dict[str, Any], key: str) -> dict[str, Any]:
    return account | {"name": str(account.get("name") or key)}


def _mapping(content: Content, name: str, found: Any) -> dict[str, Any]:
    """Return a section; an empty one is left out, anything else is an error that does not show what was found."""
    if found is not None and not isinstance(found, dict):
        raise ConfigError(f"{content.path}: {name}: expected a mapping, found {type(found).__name__}")
    return dict(found or {})
