"""Edits the `secrets.yml` of a running house as an operator does, and puts it back."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg.rows import dict_row

from tests.support.house import House, until

PROMISED_S = 5
"""Within this a change takes effect in every process (CFG-001)."""
PROCESSES = {"api", "worker-entries", "worker-exits", "worker-sell", "worker-background", "relay", "streams", "beat"}


class SettingsFile:
    """One house's file; `write` replaces it by a rename, `write_text` in place."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.path = Path(house.servers.home.secrets)
        self.first = self.path.read_text()

    @property
    def tree(self) -> dict[str, Any]:
        """What the file holds, to be changed and written."""
        found: dict[str, Any] = yaml.safe_load(self.path.read_text())
        return found

    def write(self, tree: dict[str, Any]) -> None:
        """Put another file in its place in one step."""
        new = self.path.with_suffix(".new")
        new.write_text(yaml.safe_dump(tree))
        new.chmod(0o600)
        new.rename(self.path)

    def change(self, section: str, **values: Any) -> None:
        """Change values of a section; None takes one away."""
        tree = self.tree
        given = tree.setdefault(section, {}) | values
        self.write(tree | {section: {name: value for name, value in given.items() if value is not None}})

    def change_account(self, name: str, **values: Any) -> None:
        """Change values of an account, or add one."""
        tree = self.tree
        tree["accounts"][name] = tree["accounts"].get(name, {}) | values
        self.write(tree)

    def write_text(self, text: str) -> None:
        """Write the file in place, whatever is in it."""
        self.path.write_text(text)

    def part(self) -> dict[str, Any]:
        """Return what health says of the configuration."""
        part: dict[str, Any] = self.house.call("GET", "/health").json()["parts"]["configuration"]
        return part

    def refusing(self) -> set[str]:
        """Return the names of the processes that say they kept the values before."""
        return {process.partition(":")[0] for process in self.part()["processes"]}

    def told(self, words: str) -> set[str]:
        """Return the processes in whose log these words stand."""
        logs = (self.house.servers.home.logs / "app").glob("*.log")
        return {path.stem for path in logs if words in path.read_text()}

    def changes(self, *subjects: str) -> list[dict[str, Any]]:
        """Return what the audit holds of these subjects, oldest first."""
        return self._rows(
            "SELECT * FROM audit.config_changes WHERE subject = ANY(%s) ORDER BY change_id", list(subjects)
        )

    def open_alerts(self, kind: str) -> list[dict[str, Any]]:
        """Return the alerts of a kind whose cause is not gone."""
        return self._rows("SELECT * FROM trading.notifications WHERE kind = %s AND resolved_at IS NULL", kind)

    def seen_anywhere(self, secret: str) -> list[str]:
        """Return where a secret stands that must stand nowhere but in the file: logs, tables, health."""
        home = self.house.servers.home
        places = [path.name for path in home.logs.rglob("*.log") if secret in path.read_text()]
        tables = ("audit.config_changes", "trading.configuration", "trading.notifications", "trading.process_gauges")
        for table in tables:
            found = self._rows(f"SELECT 1 FROM {table} AS t WHERE strpos(t::text, %s) > 0", secret)  # noqa: S608  ours
            places += [table] * len(found)
        return places + ["health"] * (secret in self.house.call("GET", "/health").text)

    def at_exchange(self, keys: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of an account that the exchange has just opened."""
        url = self.house.exchange.url
        spoken = {"api_key": keys["key_id"], "secret_key": keys["secret_key"]}
        return spoken | {"base_url": url, "data_url": url, "paper_trading": True}

    def _rows(self, statement: str, value: Any) -> list[dict[str, Any]]:
        url = self.house.settings.migrations_database_url.get_secret_value().replace("+psycopg", "")
        with psycopg.connect(url, row_factory=dict_row) as connection:
            return connection.execute(statement.encode(), [value]).fetchall()


@contextlib.contextmanager
def settings_file(house: House) -> Iterator[SettingsFile]:
    """Give the file; afterwards it is as it was, and in force everywhere."""
    made = SettingsFile(house)
    try:
        yield made
    finally:
        made.write_text(made.first)
        until(lambda: made.part()["state"] == "healthy" and in_force(made, made.first), 20)


def in_force(file: SettingsFile, text: str) -> bool:
    """Return whether every account the text names shows the text's minimum in the API."""
    minimum = (yaml.safe_load(text).get("trading") or {}).get("minimum_balance", 5000)
    names = yaml.safe_load(text)["accounts"].keys()
    shown = file.house.call("GET", "/api/v1/accounts").json()
    return all(str(entry["minimum_balance"]["value"]) == str(minimum) for entry in shown if entry["name"] in names)
