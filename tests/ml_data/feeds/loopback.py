"""Servers on this machine that speak as the vendors do, with messages as they were recorded: no network is needed."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse


@contextmanager
def http_server(answer: Callable[[str, dict[str, str]], tuple[int, Any]]) -> Iterator[str]:
    """Serve `answer(path, query)` (a status and what becomes JSON; None breaks the connection off); yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlparse(self.path)
            status, content = answer(asked.path, {name: value[0] for name, value in parse_qs(asked.query).items()})
            if content is None:
                self.connection.close()
                return
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class TcpServer:
    """Accepts connections one after the other; each is handed to `talk(connection, number)` in a thread of its own."""

    def __init__(self, talk: Callable[[socket.socket, int], None]) -> None:
        self._talk, self._open = talk, list[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            self._threads.append(
                threading.Thread(target=self._served, args=(connection, self.connections), daemon=True)
            )
            self.connections += 1
            self._threads[-1].start()

    def _served(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError, EOFError):
            self._talk(connection, number)
        connection.close()

    def drop(self) -> None:
        """Break off every connection."""
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def close(self) -> None:
        """Accept no more, break off what is open, and wait for the threads."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()
        for thread in self._threads:
            thread.join(5)


@contextmanager
def tcp_server(talk: Callable[[socket.socket, int], None]) -> Iterator[TcpServer]:
    """Serve `talk` for the length of the block."""
    server = TcpServer(talk)
    try:
        yield server
    finally:
        server.close()


def received(connection: socket.socket, count: int) -> bytes:
    """Return exactly `count` bytes, or raise EOFError."""
    content = b""
    while len(content) < count:
        part = connection.recv(count - len(content))
        if not part:
            raise EOFError
        content += part
    return content


def received_line(connection: socket.socket) -> str:
    """Return one line without its end."""
    line = b""
    while not line.endswith(b"\n"):
        line += received(connection, 1)
    return line.decode().rstrip("\n")


def received_message(connection: socket.socket) -> list[str]:
    """Return the fields of one message of TWS: four bytes of length, then fields that end with a zero."""
    (size,) = struct.unpack(">I", received(connection, 4))
    return received(connection, size).decode().split("\0")[:-1]


def send_message(connection: socket.socket, *fields: object) -> None:
    """Send one message as TWS does."""
    content = "".join(f"{field}\0" for field in fields).encode()
    connection.sendall(struct.pack(">I", len(content)) + content)
