"""runtime.json: what is remembered, and what an unreadable one says."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.ports import Ports
from stack.runtime import Runtime, next_runtime


def test_a_saved_runtime_is_read_back_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "runtime.json"
    runtime = next_runtime({}, None, Ports())

    runtime.save(path)

    assert Runtime.load(path) == runtime
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(runtime.jwt_secret) >= 32


def test_the_file_of_a_version_without_flower_gets_a_password_and_a_port_for_it(tmp_path: Path) -> None:
    path = tmp_path / "runtime.json"
    runtime = next_runtime({}, None, Ports())
    runtime.save(path)
    old = json.loads(path.read_text(encoding="utf-8"))
    del old["ports"]["flower"], old["passwords"]["flower"]
    path.write_text(json.dumps(old), encoding="utf-8")

    loaded = Runtime.load(path)

    assert loaded is not None
    assert loaded.ports == runtime.ports
    assert loaded.passwords.redis == runtime.passwords.redis
    assert len(loaded.passwords.flower) >= 32


def test_the_file_of_a_version_without_a_sealer_gets_a_login_for_it(tmp_path: Path) -> None:
    path = tmp_path / "runtime.json"
    next_runtime({}, None, Ports()).save(path)
    old = json.loads(path.read_text(encoding="utf-8"))
    del old["sealer_database_url"], old["passwords"]["sealer"]
    path.write_text(json.dumps(old), encoding="utf-8")

    loaded = Runtime.load(path)

    assert loaded is not None
    after = next_runtime({}, loaded, Ports())
    assert f"opitios_sealer:{loaded.passwords.sealer}@" in after.sealer_database_url


def test_a_missing_file_is_a_first_start(tmp_path: Path) -> None:
    assert Runtime.load(tmp_path / "runtime.json") is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda text: text[: len(text) // 2],  # a full disk
        lambda _: "[]",
        lambda _: "\x00" * 100,
        lambda text: text.replace('"jwt_secret"', '"jwt_secre"'),
        lambda text: text.replace('"redis": 63799', '"redis": "63799"'),
        lambda text: json.dumps(json.loads(text) | {"passwords": None}),
    ],
)
def test_a_damaged_file_says_what_to_do_and_is_left_alone(tmp_path: Path, spoil: Callable[[str], str]) -> None:
    path = tmp_path / "runtime.json"
    next_runtime({}, None, Ports()).save(path)
    damaged = spoil(path.read_text(encoding="utf-8"))
    path.write_text(damaged, encoding="utf-8")

    with pytest.raises(StackError, match=r"runtime.json is damaged .*\n.*move it away"):
        Runtime.load(path)

    assert path.read_text(encoding="utf-8") == damaged


def test_secrets_stay_and_the_boot_id_changes_from_start_to_start() -> None:
    first = next_runtime({}, None, Ports())
    second = next_runtime({}, first, Ports(redis=1234))

    assert (second.passwords, second.jwt_secret) == (first.passwords, first.jwt_secret)
    assert second.boot_id != first.boot_id
    assert second.redis_url == f"redis://:{first.passwords.redis}@127.0.0.1:1234/0"


def test_coming_back_from_an_external_database_finds_the_embedded_password() -> None:
    embedded = next_runtime({}, None, Ports())
    external = next_runtime({"DATABASE_URL": "postgresql://me:mine@db.example:6432/prod"}, embedded, Ports())
    back = next_runtime({}, external, Ports())

    assert not external.embedded_postgres
    assert back.migrations_database_url == embedded.migrations_database_url


@pytest.mark.parametrize(
    ("given", "app"),
    [
        ("postgres://me:mine@db:6432/prod", "postgresql+psycopg://opitios_app:{}@db:6432/prod"),
        (
            "postgresql+psycopg://me:a%40b@[::1]:5432/x?sslmode=require",
            "postgresql+psycopg://opitios_app:{}@[::1]:5432/x?sslmode=require",
        ),
        ("postgresql:///x?host=/run/postgresql", "postgresql+psycopg://opitios_app:{}@/x?host=/run/postgresql"),
    ],
)  # fmt: skip  one row a line
def test_the_other_logins_follow_an_external_url(given: str, app: str) -> None:
    runtime = next_runtime({"DATABASE_URL": given}, None, Ports())

    assert runtime.app_database_url == app.format(runtime.passwords.app)
    assert runtime.compliance_database_url.startswith("postgresql+psycopg://compliance_ro:")


@pytest.mark.parametrize(
    ("name", "url"), [("DATABASE_URL", "mysql://me:mine@db/x"), ("REDIS_URL", "amqp://me:mine@mq")]
)
def test_a_url_of_another_server_is_refused_without_its_password(name: str, url: str) -> None:
    with pytest.raises(StackError, match=name) as refused:
        next_runtime({name: url}, None, Ports())

    assert "mine" not in str(refused.value)
