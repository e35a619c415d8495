"""Serves an application in a thread of the test, on a real socket."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
import uvicorn
from fastapi import FastAPI

from stack.waiting import poll

_CALL_S = 15.0


class Caller:
    """Requests to one server with a token; nothing of the environment's proxies."""

    def __init__(self, base: str, session: requests.Session) -> None:
        self.base, self._session = base, session

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET."""
        return self.call("GET", path, **options)

    def post(self, path: str, *, json: object, **options: Any) -> requests.Response:
        """POST a JSON body."""
        return self.call("POST", path, json=json, **options)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send any request."""
        return self._session.request(method, self.base + path, timeout=_CALL_S, **options)


@contextmanager
def serve(app: FastAPI, token: str) -> Iterator[Caller]:
    """Give a caller of `app`; the server ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener, requests.Session() as session:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert poll(lambda: server.started, seconds=10)
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {token}"
            yield Caller(f"http://127.0.0.1:{listener.getsockname()[1]}", session)
        finally:
            server.should_exit = True
            thread.join(10)
