"""A stand-in server: accepts connections on the given ports and says nothing, until SIGTERM."""

import contextlib
import selectors
import socket
import sys


def main() -> None:
    """Listen on 127.0.0.1 at every port of the command line."""
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        for port in sys.argv[1:]:
            server = stack.enter_context(socket.create_server(("127.0.0.1", int(port))))
            selector.register(server, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if isinstance(key.fileobj, socket.socket):
                    key.fileobj.accept()[0].close()


main()
