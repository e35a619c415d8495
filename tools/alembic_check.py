"""Do the migrations make exactly the tables that the models describe? Asked of a real, empty Postgres.

The migrations run from nothing to the head, then Alembic compares the result with the models' metadata.
"""

import sys

from alembic import command
from alembic.util.exc import CommandError

from models import migrate
from tools.throwaway_postgres import throwaway_postgres


def main() -> int:
    """Run the check and return the exit status: 0 when models and migrations agree."""
    with throwaway_postgres() as url:
        migrate.upgrade(url)
        try:
            command.check(migrate.alembic_config(url))
        except CommandError as error:
            print(f"models and migrations differ: {error}\nWrite a new revision in migrations/versions.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
