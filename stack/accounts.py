"""Whose rights Postgres runs with: it refuses root, so root lends it an existing unprivileged account."""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError

ACCOUNT_VARIABLE = "OPITIOS_POSTGRES_USER"
_USUAL_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """An existing account of this machine, with nothing but its own group."""

    name: str
    uid: int
    gid: int


def server_account(environ: Mapping[str, str], *, uid: int | None = None) -> ServerAccount | None:
    """Return the account the database server runs as; None: the caller's own, because it is not root.

    OPITIOS_POSTGRES_USER names it, else `postgres`, else `nobody`. Nothing is created on the host.
    Raises StackError for an unknown account and for one that is root itself.
    """
    if (os.geteuid() if uid is None else uid) != 0:
        return None
    named = environ.get(ACCOUNT_VARIABLE, "").strip()
    for name in (named,) if named else _USUAL_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid == 0:
            raise StackError(f"{ACCOUNT_VARIABLE}={name} is root, and Postgres refuses to run as root; name another.")
        return ServerAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)
    tried = named or " or ".join(_USUAL_ACCOUNTS)
    raise StackError(
        f"Postgres refuses to run as root, and this machine has no account {tried}; "
        f"make one (useradd --system opitios) and set {ACCOUNT_VARIABLE}=opitios.",
    )


def run_as(
    account: ServerAccount | None,
    argv: Sequence[str | Path],
    *,
    environ: Mapping[str, str] | None = None,
    text_in: str = "",
    timeout_s: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a short command as `account` from the root directory and return its result.

    Raises PermissionError when the account may not execute it, subprocess.TimeoutExpired after `timeout_s` seconds.
    """
    return subprocess.run(
        [str(part) for part in argv],
        check=False,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C", **(environ or {})},
        input=text_in,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout_s,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def require_way_in(account: ServerAccount | None, directory: Path) -> None:
    """Raise StackError, naming the closed directory, when `account` cannot walk into `directory`.

    Foreign directories are never opened from here: whether /root may be walked through is its owner's decision.
    """
    if account is None:
        return
    for step in (*reversed(directory.parents), directory):
        # A shell as that account is the only judge that knows access control lists too.
        if run_as(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", step]).returncode != 0:
            raise StackError(
                f"Postgres runs as the account {account.name}, which may not enter {step} on the way to {directory}.\n"
                f"Set OPITIOS_HOME to a directory it can reach (for example /var/lib/opitios), "
                f"or let others pass through: chmod o+x {step}",
            )
