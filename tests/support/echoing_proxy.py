"""Stands between the house and the exchange, and can repeat to its client all it was sent, keys too."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import requests

_HOP = {"connection", "transfer-encoding", "content-encoding", "content-length", "date", "server", "host"}


class EchoingProxy:
    """Forwards to `target`; while `status` is set, every request is answered with it and its own headers."""

    def __init__(self) -> None:
        self.target = ""
        self.status: int | None = None
        self.echoed = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _handler(proxy) -> type[BaseHTTPRequestHandler]:  # noqa: N805  the handler's own `self` stands inside
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if proxy.status is None:
                    self._forward(body)
                else:
                    proxy.echoed += 1
                    sent = {name.lower(): value for name, value in self.headers.items()}
                    message = f"refused {sent} {body.decode()}"
                    self._send(proxy.status, json.dumps({"code": 40310000, "message": message}).encode(), {})

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815  the names of http.server

            def _forward(self, body: bytes) -> None:
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                try:
                    answer = requests.request(
                        self.command, proxy.target + self.path, data=body, headers=headers, timeout=20
                    )
                except requests.RequestException:
                    self.close_connection = True
                    return
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
                self._send(answer.status_code, answer.content, kept)

            def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        return Handler
