"""Runs revisions as the NOLOGIN owner of every object, after making the roles and schemas they need."""

from pathlib import Path
from typing import Any

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

from migrations.views import are_current, drop_views, make_views
from models.base import AUDIT, TRADING
from models.tables import METADATA

SQL = Path(__file__).parent / "sql"


def include_name(name: str | None, type_: str, _parents: Any) -> bool:
    """Look only at our schemas; partitions are made by a function, not by revisions."""
    if type_ == "schema":
        return name in {TRADING, AUDIT}
    if type_ == "table" and name is not None:
        return not name.rpartition("_")[2].isdigit() and name != "alembic_version"
    return True


def migrate(connection: Connection) -> None:
    """Make roles and schemas, become their owner, run what is missing, make the reports' views anew."""
    connection.execute(text((SQL / "roles.sql").read_text()))
    connection.execute(text("SET ROLE opitios_owner"))
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        include_schemas=True,
        include_name=include_name,
        version_table_schema=TRADING,
        compare_server_default=False,
        transaction_per_migration=False,
    )
    head = context.get_head_revision()
    newest = None if head is None else str(head)
    keeps_views = are_current(connection, newest)
    if not keeps_views:
        drop_views(connection)
    with context.begin_transaction():
        context.run_migrations()
    # a revision before the newest may lack what the views show
    if not keeps_views and context.get_context().get_current_revision() == newest:
        make_views(connection, newest)


def main() -> None:
    """Use the caller's URL; there is no offline mode because roles must exist."""
    url = context.config.attributes.get("url") or context.config.get_main_option("sqlalchemy.url")
    if not url:
        message = "no database: call models.migrate.upgrade(url) or `opitios migrate`"
        raise SystemExit(message)
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        migrate(connection)
    engine.dispose()


main()
