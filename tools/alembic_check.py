"""Do the migrations make exactly the tables that the models describe? Asked of a real, empty Postgres.

The migrations run from nothing to the head, then Alembic compares the result with the models' metadata.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from tools.throwaway_postgres import throwaway_postgres

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the check and return the exit status: 0 when models and migrations agree."""
    if not any((ROOT / "migrations" / "versions").glob("*.py")):
        print("migrations/versions is empty: nothing to compare yet")
        return 0
    with throwaway_postgres() as url:
        upgrade(url)
        try:
            command.check(alembic_config(url))
        except CommandError as error:
            print(f"models and migrations differ: {error}\nWrite a new revision in migrations/versions.")
            return 1
    return 0


def alembic_config(url: str) -> Config:
    """Return the project's Alembic configuration with `url` handed over in memory, as `models/migrate.py` does."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest revision, through the product's own door where there is one."""
    if importlib.util.find_spec("models.migrate") is None:
        command.upgrade(alembic_config(url), "head")
        return
    importlib.import_module("models.migrate").upgrade(url)


if __name__ == "__main__":
    sys.exit(main())
