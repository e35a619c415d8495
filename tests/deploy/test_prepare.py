"""What `python3 -m deploy.prepare` leaves behind."""

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

from config.settings import load_settings
from deploy.prepare import PASSWORDS, prepare
from tests.deploy.compose import ROOT, dot_env


def test_every_password_is_generated_and_private(tmp_path: Path) -> None:
    made = prepare(tmp_path, simulated=False, uid=1000, gid=1001)

    found = dot_env(tmp_path / ".env")
    assert [path.name for path in made] == [".env", "secrets.yml"]
    assert all(re.fullmatch(r"[0-9a-f]{48}", found[name]) for name in PASSWORDS)
    assert len({found[name] for name in PASSWORDS}) == len(PASSWORDS)
    assert (found["OPITIOS_UID"], found["OPITIOS_GID"]) == ("1000", "1001")
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert load_settings({"OPITIOS_CONFIG": str(made[1]), "OPITIOS_HOME": str(tmp_path)}).accounts == ()


def test_what_exists_is_never_changed(tmp_path: Path) -> None:
    prepare(tmp_path, simulated=False, uid=1000, gid=1000)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    again = prepare(tmp_path, simulated=True, uid=0, gid=0)

    assert [path.name for path in again] == ["accounts.json"]
    assert {path: path.read_bytes() for path in before} == before


def test_a_password_that_an_older_file_lacks_is_added(tmp_path: Path) -> None:
    prepare(tmp_path, simulated=False, uid=1000, gid=1000)
    environment = tmp_path / ".env"
    made = environment.read_text(encoding="utf-8")
    environment.write_text("".join(line for line in made.splitlines(keepends=True) if "SEALER" not in line))

    prepare(tmp_path, simulated=False, uid=1000, gid=1000)

    found = dot_env(environment)
    assert re.fullmatch(r"[0-9a-f]{48}", found.pop("SEALER_DB_PASSWORD"))
    assert found.items() <= {line.partition("=")[::2] for line in made.splitlines()}
    assert stat.S_IMODE(environment.stat().st_mode) == 0o600


def test_the_simulated_accounts_are_those_of_the_exchange(tmp_path: Path) -> None:
    prepare(tmp_path, simulated=True, uid=1000, gid=1000)

    local = tmp_path / "deploy" / "local"
    opened = json.loads((local / "exchange" / "accounts.json").read_text(encoding="utf-8"))
    settings = load_settings(
        {"OPITIOS_CONFIG": str(local / "settings" / "secrets.yml"), "OPITIOS_HOME": str(tmp_path)}
        | dot_env(tmp_path / ".env")
    )
    keys = {account.name: account.api_key.get_secret_value() for account in settings.accounts}
    assert keys == {account["name"]: account["key_id"] for account in opened}
    assert {account.base_url for account in settings.accounts} == {settings.exchange_url} == {"http://exchange:8092"}


def test_what_it_writes_stays_out_of_git_and_of_the_image() -> None:
    assert {"/.env", "/deploy/local/"} <= set((ROOT / ".gitignore").read_text(encoding="utf-8").splitlines())
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert next(line for line in lines if line and not line.startswith("#")) == "*"
    assert not [line for line in lines if line.startswith(("!deploy", "!."))]


def test_it_runs_with_a_bare_interpreter(tmp_path: Path) -> None:
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from deploy.prepare import main; sys.exit(main([]))"
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], check=False, cwd=tmp_path, capture_output=True, text=True
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / ".env").is_file()
