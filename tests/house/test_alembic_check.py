"""The migrations check notices a model that no revision makes; its server leaves nothing behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from tests.house.planting import plant
from tools.throwaway_postgres import throwaway_postgres

ROOT = Path(__file__).resolve().parents[2]
ENV = """
from alembic import context
from sqlalchemy import create_engine
from models import METADATA
with create_engine(context.config.attributes["url"]).connect() as connection:
    context.configure(connection=connection, target_metadata=METADATA)
    with context.begin_transaction():
        context.run_migrations()
"""
MIGRATE = """
from alembic import command
from alembic.config import Config
def alembic_config(url):
    config = Config()
    config.set_main_option("script_location", "migrations")
    config.attributes["url"] = url
    return config
def upgrade(url):
    command.upgrade(alembic_config(url), "head")
"""
REVISION = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "1", None
def upgrade():
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True))
"""
MODELS = """
import sqlalchemy as sa
METADATA = sa.MetaData()
sa.Table("notes", METADATA, sa.Column("id", sa.Integer, primary_key=True)EXTRA)
"""


def check(tree: Path, extra_column: str) -> subprocess.CompletedProcess[str]:
    """Run the check over a small project whose one table has `extra_column` beside the migrated one."""
    for package in ("tools", "config", "domain"):
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    plant(tree, "models/migrate.py", MIGRATE)
    plant(tree, "models/__init__.py", MODELS.replace("EXTRA", extra_column))
    plant(tree, "migrations/env.py", ENV)
    plant(tree, "migrations/versions/1_notes.py", REVISION)
    return subprocess.run(
        [sys.executable, "-m", "tools.alembic_check"],
        cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_models_that_match_the_migrations_pass(tmp_path: Path) -> None:
    done = check(tmp_path, "")

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_column_without_a_revision_is_named(tmp_path: Path) -> None:
    done = check(tmp_path, ", sa.Column('forgotten', sa.Text)")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "forgotten" in done.stdout


def test_the_server_answers_and_leaves_nothing_behind() -> None:
    with throwaway_postgres() as url:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("select rolsuper from pg_roles where rolname = current_user"))
        engine.dispose()
        place = sa.make_url(url).query["host"]

    assert isinstance(place, str)
    assert not Path(place).parent.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host=place, user="postgres", dbname="postgres")
