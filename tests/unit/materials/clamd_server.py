"""A small server that speaks clamd's side of its protocol, well or badly.

Commands end with a NUL, chunks have their length before them, each reply ends with a
NUL, and a connection is for one question.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from zerotrip.materials.clients.clamd import Clamd

VERSION = "ClamAV 1.4.3/27700/Fri Nov 20 09:00:00 2026"
# The body of EICAR's test file, in two parts so that no scanner takes this file for it.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-" + rb"ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class Daemon:
    """How the server behaves, and what it was sent."""

    version: bytes = VERSION.encode()
    reply: bytes | None = None
    most_bytes: int = 10_000_000
    cuts: bool = False
    hangs_up: bool = False
    silent: bool = False
    chunks: list[int] = field(default_factory=list)
    content: bytes = b""

    def verdict(self) -> bytes:
        if self.reply is not None:
            return self.reply
        if EICAR in self.content:
            return b"stream: Eicar-Test-Signature FOUND\0"
        return b"stream: OK\0"


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, behaves: Daemon) -> None:
        super().__init__(("127.0.0.1", 0), Line)
        self.behaves = behaves


class Line(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        command = b""
        while (byte := self.rfile.read(1)) not in (b"", b"\0"):
            command += byte
        if command == b"zVERSION":
            self.wfile.write(self.server.behaves.version + b"\0")
        elif command == b"zINSTREAM" and not self.server.behaves.hangs_up:
            self._instream(self.server.behaves)

    def _instream(self, behaves: Daemon) -> None:
        behaves.content, behaves.chunks = b"", []
        while size := struct.unpack(">I", self.rfile.read(4))[0]:
            behaves.chunks.append(size)
            behaves.content += self.rfile.read(size)
            if len(behaves.content) > behaves.most_bytes:
                self._refuse(behaves)
                return
        if behaves.silent:
            self.rfile.read(1)  # until the client gives up
        else:
            self.wfile.write(behaves.verdict())

    def _refuse(self, behaves: Daemon) -> None:
        if behaves.cuts:
            gone = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, gone)
            return
        self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
        while self.rfile.read(65536):  # what is under way would cut the reply off
            pass


@contextmanager
def listening(behaves: Daemon) -> Iterator[Clamd]:
    """The server while it runs, as the client sees it."""
    with Server(behaves) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Clamd("127.0.0.1", server.server_address[1], scan_seconds=5.0)
        finally:
            server.shutdown()
            thread.join()
