"""The embedded Redis: carries messages and prices, is allowed to lose both, keeps them over a restart anyway."""

from pathlib import Path

import redis

from stack.errors import StackError
from stack.files import make_private_directory, write_private
from stack.ports import LOOPBACK
from stack.processes import INFRASTRUCTURE, Process

# noeviction: Celery's queues live here, and an evicted queue is a lost queue.
# set-proc-title no: the title would overwrite the environment by which a process without a supervisor is recognised.
_SETTINGS = """\
# Written by `opitios run` at every start.
bind {host}
port {port}
protected-mode yes
requirepass "{password}"
dir "{data}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
logfile ""
set-proc-title no
"""


def process(binary: Path, settings: Path) -> Process:
    """Return the server's row of the process table."""
    return Process(
        name="redis",
        argv=(str(binary), str(settings)),
        stage=INFRASTRUCTURE,
        stop_seconds=15,
    )


def write_settings(path: Path, data: Path, *, port: int, password: str) -> None:
    """Write the server's configuration, mode 0600 because it holds the password, and make its data directory."""
    make_private_directory(data)
    write_private(path, _SETTINGS.format(host=LOOPBACK, port=port, password=password, data=data))


def unanswered(url: str) -> str | None:
    """Return None when Redis answers PING at `url`, else why not. Raises StackError for a refused password."""
    client = redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3)
    try:
        client.ping()
    except (redis.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        raise StackError("Redis refuses the password of its URL.") from error
    except redis.RedisError as error:
        return str(error) or type(error).__name__
    finally:
        client.close()
    return None
