"""Ports that are taken: the servers move, the API asks."""

import os
import socket
from collections.abc import Iterator

import pytest

from stack.errors import StackError
from stack.ports import LOOPBACK, Ports, choose_ports, holder, is_free
from tests.support.ports import free_ports

EVERYTHING = {"api", "exchange", "control", "postgres", "redis", "flower"}


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield int(server.getsockname()[1])


def environment(**ports: int) -> dict[str, str]:
    free = dict(zip(sorted(EVERYTHING), free_ports(len(EVERYTHING)), strict=True))
    return {f"OPITIOS_{name.upper()}_PORT": str(port) for name, port in (free | ports).items()}


@pytest.mark.parametrize("name", ["postgres", "redis", "exchange", "control", "flower"])
def test_a_server_moves_to_the_next_free_port_and_says_so(name: str, taken: int) -> None:
    said: list[str] = []

    ports = choose_ports(environment(**{name: taken}), None, EVERYTHING, said.append)

    assert getattr(ports, name) > taken
    assert f"port {taken} is taken by " in said[0]
    assert f"(pid {os.getpid()})" in said[0]


def test_a_taken_api_port_stops_the_start_naming_holder_and_variable(taken: int) -> None:
    with pytest.raises(StackError, match=rf"Port {taken} .*pid {os.getpid()}.*OPITIOS_API_PORT="):
        choose_ports(environment(api=taken), None, EVERYTHING, print)


def test_two_servers_never_get_the_same_port() -> None:
    (port,) = free_ports(1)

    ports = choose_ports(environment(exchange=port, control=port, redis=port), None, EVERYTHING, lambda _: None)

    assert len({ports.exchange, ports.control, ports.redis}) == 3


def test_a_variable_wins_over_the_last_start_and_that_over_the_default() -> None:
    first, second = free_ports(2)
    previous = Ports(redis=first, postgres=first)

    ports = choose_ports({"OPITIOS_REDIS_PORT": str(second)}, previous, {"redis"}, print)

    assert (ports.redis, ports.postgres, ports.api) == (second, first, Ports().api)


@pytest.mark.parametrize("text", ["0", "65536", "eighty", "80.5", "-1"])
def test_a_variable_that_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(StackError, match=f"OPITIOS_API_PORT='{text}' is not a port"):
        choose_ports({"OPITIOS_API_PORT": text}, None, EVERYTHING, print)


def test_the_holder_of_a_free_port_is_nobody(taken: int) -> None:
    (port,) = free_ports(1)

    assert is_free(port)
    assert holder(port) is None
    assert not is_free(taken)
