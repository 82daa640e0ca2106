"""A PostgreSQL server of our own: made in a new folder, reached by a socket in it alone, and gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

# Root may not run the server.
_OTHER_USER: Final = "nobody"
_SETTINGS: Final = (
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=30",
    "shared_buffers=64MB",
)


class Server(NamedTuple):
    """A running server; ``sockets`` is the folder of its socket, ``superuser`` has no password."""

    sockets: Path
    superuser: str = "postgres"

    def url(self, database: str = "postgres") -> str:
        """The address of a database."""
        return f"postgresql://{self.superuser}@/{quote(database)}?host={quote(str(self.sockets), safe='')}"


def find_binaries() -> Path | None:
    """Where ``initdb`` and ``postgres`` are: on the PATH, or in the folder of the newest version; None for nowhere."""
    found = shutil.which("initdb")
    if found is not None and (Path(found).resolve().parent / "postgres").is_file():
        return Path(found).resolve().parent
    folders = (each.parent for each in Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    newest = sorted(folders, key=lambda each: float(each.parent.name), reverse=True)
    return newest[0] if newest else None


@contextmanager
def running_server(binaries: Path, settings: Sequence[str] = _SETTINGS) -> Iterator[Server]:
    """Run a server that listens to no network.

    Args:
        binaries: where its programs are, see :func:`find_binaries`.
        settings: of the server, ``name=value``; by default nothing is made to last.
    """
    user = _OTHER_USER if os.getuid() == 0 else None
    # Short, because the path of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        folder = Path(name)
        data = folder / "data"
        if user is not None:
            shutil.chown(folder, user)

        def command(program: str, *words: str) -> None:
            run = [str(binaries / program), "--pgdata", str(data), *words]
            subprocess.run(run, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

        command("initdb", "--username=postgres", "--encoding=UTF8", "--auth=trust", "--no-locale", "--no-sync")
        options = " ".join(f"-c {each}" for each in (*settings, f"unix_socket_directories={folder}"))
        command("pg_ctl", "--wait", f"--log={folder / 'log'}", f"--options={options}", "start")
        try:
            yield Server(folder)
        finally:
            command("pg_ctl", "--wait", "--mode=immediate", "stop")
