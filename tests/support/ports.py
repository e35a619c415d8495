"""Loopback ports for the servers of tests."""

import secrets
import socket
from contextlib import suppress

_PORTS = range(15_000, 32_000)  # below those that the kernel gives to outgoing connections, by the thousand


def free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago, all different."""
    found: list[int] = []
    for port in secrets.SystemRandom().sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            break
    return found


def free_port() -> int:
    """Return one of them."""
    (port,) = free_ports(1)
    return port
