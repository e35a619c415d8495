"""Serves an application in a thread of the test, on a real socket."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import uvicorn
from fastapi import FastAPI

from stack.waiting import poll

_CALL_S = 15.0


class Caller:
    """Requests to one server with a token; nothing of the environment's proxies."""

    def __init__(self, base: str, session: requests.Session) -> None:
        self._base, self._session = base, session

    def get(self, path: str) -> requests.Response:
        """GET."""
        return self._session.get(self._base + path, timeout=_CALL_S)

    def post(self, path: str, *, json: object) -> requests.Response:
        """POST a JSON body."""
        return self._session.post(self._base + path, json=json, timeout=_CALL_S)


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
