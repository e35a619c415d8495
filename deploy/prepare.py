"""Writes what docker-compose.yml asks for: `python3 -m deploy.prepare [--simulated]`, once, in the repository.

`.env` gets generated passwords, `deploy/local/settings/secrets.yml` is where broker accounts go. With `--simulated` two
paper accounts at the simulated exchange stand there, and compose starts the exchange too. `deploy/local/seller` and
`sealer` are the homes of those two, `checkpoints` is what the sealer keeps of its seals. What exists is never changed;
a password that an older `.env` lacks is added.
"""

import argparse
import os
import secrets
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from stack.files import make_private_directory, write_private
from stack.paper_accounts import ensure_exchange_accounts, ensure_secrets

PASSWORDS = (
    "POSTGRES_PASSWORD",
    "APP_DB_PASSWORD",
    "COMPLIANCE_DB_PASSWORD",
    "SEALER_DB_PASSWORD",
    "REDIS_PASSWORD",
    "OPITIOS_JWT_SECRET",
    "OPITIOS_FLOWER_PASSWORD",
)
_IMAGE_ACCOUNT = 10001  # that of the Dockerfile
_EXCHANGE_URL = "http://exchange:8092"


def prepare(root: Path, *, simulated: bool, uid: int, gid: int) -> list[Path]:
    """Make what is missing below `root`, for containers that run as `uid` and `gid`; return what was made."""
    environment, local = root / ".env", root / "deploy" / "local"
    settings, exchange = local / "settings" / "secrets.yml", local / "exchange" / "accounts.json"
    missing = [path for path in (environment, settings, exchange) if not path.exists()]
    homes = (local / "seller", local / "sealer", local / "checkpoints")
    for directory in (local, settings.parent, exchange.parent, *homes):
        make_private_directory(directory)
    if environment in missing:
        lines = _environment(uid, gid, simulated=simulated)
        write_private(environment, "".join(f"{line}\n" for line in lines))
    else:
        _add_passwords(environment)
    accounts: Iterable[dict[str, str]] = ensure_exchange_accounts(exchange) if simulated else ()
    ensure_secrets(settings, accounts, _EXCHANGE_URL)
    if os.geteuid() == 0:
        for path in (local, *local.rglob("*")):
            os.chown(path, uid, gid)
    return [path for path in missing if path.exists()]


def _environment(uid: int, gid: int, *, simulated: bool) -> Iterator[str]:
    yield "# Made by deploy/prepare.py: passwords of this installation. Keep it as you keep its backups."
    for name in PASSWORDS:
        yield f"{name}={secrets.token_hex(24)}"  # letters and digits alone: they stand in URLs
    yield f"OPITIOS_UID={uid}"
    yield f"OPITIOS_GID={gid}"
    if simulated:
        yield "COMPOSE_PROFILES=simulated"
        yield f"OPITIOS_EXCHANGE_URL={_EXCHANGE_URL}"


def _add_passwords(environment: Path) -> None:
    """Generate what a version before did not know of; every line that is there stays."""
    text = environment.read_text(encoding="utf-8")
    known = {line.partition("=")[0] for line in text.splitlines()}
    lines = [f"{name}={secrets.token_hex(24)}\n" for name in PASSWORDS if name not in known]
    if lines:
        ended = text if text.endswith("\n") or not text else f"{text}\n"
        owner = environment.stat()
        write_private(environment, ended + "".join(lines), owner=(owner.st_uid, owner.st_gid))


def main(arguments: list[str] | None = None) -> int:
    """Run in the repository's root."""
    parser = argparse.ArgumentParser(
        prog="python3 -m deploy.prepare", description="Write what docker-compose.yml needs."
    )
    parser.add_argument("--simulated", action="store_true", help="with two paper accounts at the simulated exchange")
    given = parser.parse_args(arguments)
    uid, gid = (os.geteuid(), os.getegid()) if os.geteuid() else (_IMAGE_ACCOUNT, _IMAGE_ACCOUNT)
    made = prepare(Path.cwd(), simulated=given.simulated, uid=uid, gid=gid)
    sys.stdout.write("".join(f"wrote {path}\n" for path in made) or "everything is there already\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
