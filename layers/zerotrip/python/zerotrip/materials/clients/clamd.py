"""ClamAV's daemon over TCP.

Source: the manual page clamd(8) and docs.clamav.net, "ClamD Protocol". A command that
begins with `z` ends with a NUL, and so does its reply; the daemon then closes the
connection. TCP is neither encrypted nor authenticated: the daemon stands in the same
private network, and nowhere else.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from zerotrip.kernel.errors import GiveUp
from zerotrip.materials.scanning import Outcome, Verdict

NAME: Final = "clamav"
CHUNK_BYTES: Final = 64 * 1024
CONNECT_SECONDS: Final = 1.0
SCAN_SECONDS: Final = 6.0
"""For the whole scan; with parsing it stays below the function's 15 s."""
_LONGEST_REPLY_BYTES: Final = 4096
_CLEAN: Final = "stream: OK"
_STREAM: Final = "stream: "
_FOUND: Final = " FOUND"
_TOO_LARGE: Final = "INSTREAM size limit exceeded"


class _NoAnswer(Exception):
    """The daemon is not there, is too slow, hung up or said what nobody understands."""


@dataclass(frozen=True, slots=True)
class Clamd:
    """The daemon at an address; one connection per question."""

    host: str
    port: int
    connect_seconds: float = CONNECT_SECONDS
    scan_seconds: float = SCAN_SECONDS

    @classmethod
    def at(cls, address: str) -> Self:
        """From `tcp://host:port`. Raises ValueError for anything else."""
        parts = urlsplit(address)
        if parts.scheme != "tcp" or not parts.hostname or not parts.port:
            raise ValueError("a scanner's address is tcp://host:port")
        return cls(parts.hostname, parts.port)

    def scan(self, content: bytes) -> Verdict:
        """Streams the file. Raises GiveUp `scanner_limit_exceeded`."""
        deadline = time.monotonic() + self.scan_seconds
        try:
            version = self._version(deadline)
            reply = self._ask(b"zINSTREAM\0", deadline, content)
        except (_NoAnswer, OSError):
            return Verdict(NAME, None, Outcome.UNAVAILABLE)
        if reply == _CLEAN:
            return Verdict(NAME, version, Outcome.CLEAN)
        if reply.startswith(_STREAM) and reply.endswith(_FOUND):
            found = reply.removeprefix(_STREAM).removesuffix(_FOUND)
            return Verdict(NAME, version, Outcome.INFECTED, found)
        if reply.startswith(_TOO_LARGE):
            raise GiveUp(
                "scanner_limit_exceeded",
                "文件超过病毒扫描服务的上限，请运维人员调高StreamMaxLength后重新处理。",
                "The file is larger than the scanner takes: an operator must raise "
                "StreamMaxLength to 25M or more, then redrive.",
                detail={"size_bytes": len(content)},
            )
        return Verdict(NAME, version, Outcome.UNAVAILABLE)

    def _version(self, deadline: float) -> str | None:
        """`ClamAV 1.4.3/27700/Fri Nov 20 …`; None where it is told not to say."""
        reply = self._ask(b"zVERSION\0", deadline)
        return reply if reply.startswith("ClamAV ") else None

    def _ask(
        self, command: bytes, deadline: float, content: bytes | None = None
    ) -> str:
        """One command, with a stream if there is content. Raises _NoAnswer, OSError."""
        address = (self.host, self.port)
        with socket.create_connection(address, self.connect_seconds) as line:
            # It may hang up before all is sent: what it said before that still counts.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                _set_limit(line, deadline)
                line.sendall(command)
                if content is not None:
                    _stream(line, content, deadline)
            return _reply(line, deadline)


def _stream(line: socket.socket, content: bytes, deadline: float) -> None:
    """Chunks of 4 bytes of length, big-endian, and so many bytes; an empty one ends."""
    view = memoryview(content)
    for start in range(0, len(content), CHUNK_BYTES):
        chunk = view[start : start + CHUNK_BYTES]
        _set_limit(line, deadline)
        line.sendall(struct.pack(">I", len(chunk)))
        line.sendall(chunk)
    line.sendall(struct.pack(">I", 0))


def _reply(line: socket.socket, deadline: float) -> str:
    """What stands before the NUL."""
    kept = bytearray()
    while len(kept) < _LONGEST_REPLY_BYTES:
        _set_limit(line, deadline)
        part = line.recv(1024)
        if not part:
            raise _NoAnswer
        kept += part
        if b"\0" in part:
            return bytes(kept).partition(b"\0")[0].decode("utf-8", "replace").strip()
    raise _NoAnswer


def _set_limit(line: socket.socket, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise _NoAnswer
    line.settimeout(left)
