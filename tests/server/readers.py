"""``python -m tests.server.readers PORT PATH READERS STALLED``: cheap readers of one run, and some that stall.

Prints ``ready`` when all have shaken hands. Each reader sees to it that the sequence numbers rise by one from 0 on; at
the end of the run it prints how many saw that to the end, and how many events each of them had.
"""

from __future__ import annotations

import re
import selectors
import socket
import sys

_SEQ = re.compile(rb'"seq":(\d+)[,}]')
_LONGEST = 4_096


class Reader:
    """One connection: what is left of the last piece, and the number that comes next."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.next = 0
        self.has_ended = False
        self._rest = b""

    def read(self) -> bool:
        """Take what has come; answers whether more may come."""
        data = self.connection.recv(1 << 18)
        if not data:
            return False
        data = self._rest + data
        end = 0
        for found in _SEQ.finditer(data):
            assert int(found[1]) == self.next, (int(found[1]), self.next)
            self.next += 1
            end = found.end()
        self.has_ended = self.has_ended or b'"type":"ended"' in data
        self._rest = data[max(end, len(data) - _LONGEST) :]
        return not self.has_ended


def connect(port: int, path: str, size: int | None = None) -> socket.socket:
    connection = socket.socket()
    if size is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    connection.connect(("127.0.0.1", port))
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101"), head
    return connection


def main(port: int, path: str, readers: int, stalled: int) -> None:
    selector = selectors.DefaultSelector()
    everybody = [Reader(connect(port, path)) for _ in range(readers)]
    silent = [connect(port, path, 4_096) for _ in range(stalled)]
    print("ready", flush=True)
    for each in everybody:
        selector.register(each.connection, selectors.EVENT_READ, each)
    while selector.get_map():
        for key, _ in selector.select():
            if not key.data.read():
                selector.unregister(key.fileobj)
    print(sum(each.has_ended for each in everybody), *{each.next for each in everybody}, flush=True)
    for connection in silent:
        connection.close()


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (4_096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
