"""A channel keeps one client: kombu makes one for each publish and each acknowledgement."""

import inspect

import kombu.transport.redis
import pytest
import redis

from config.celery import PLACE_ENTRY
from events.hints import HintPublisher
from tests.support.house import Bed


def test_many_hints_take_one_client(quiet: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    original = redis.Redis.__init__

    def counting(client: redis.Redis, *args: object, **options: object) -> None:
        made.append(client)
        original(client, *args, **options)  # type: ignore[arg-type]

    publisher = HintPublisher(quiet.runtime.redis_url)
    try:
        assert publisher.publish(PLACE_ENTRY, ["first"])
        monkeypatch.setattr(redis.Redis, "__init__", counting)
        assert all(publisher.publish(PLACE_ENTRY, [str(number)]) for number in range(20))
    finally:
        publisher.close()
        quiet.servers.broker().flushall()
    assert len(made) <= 1


def test_kombu_still_makes_one_for_each_use() -> None:
    source = inspect.getsource(kombu.transport.redis)
    assert "yield self._create_client()" in source, "kombu keeps its client now: remove _one_client"
