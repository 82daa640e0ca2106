"""One server for all tests of the database, and a database of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from sptrader_stream.database.connection import Connection, connect
from sptrader_stream.database.schema import migrate
from tests.database.postgres import Server, find_binaries, running_server

_NUMBERS = itertools.count(1)
TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running server, whose database ``migrated`` has the schema."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL: initdb is neither on the PATH nor in /usr/lib/postgresql/*/bin")
    with running_server(binaries) as running:
        with connect(running.url()) as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
        with connect(running.url(TEMPLATE)) as connection:
            migrate(connection)
        yield running


def _created(server: Server, template: str) -> Iterator[str]:
    name = f"test_{next(_NUMBERS)}"
    with connect(server.url()) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url(name)
    with connect(server.url()) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    """The address of a database without a schema."""
    yield from _created(server, "template1")


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    """The address of a database with the schema and nothing in it."""
    yield from _created(server, TEMPLATE)


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """A connection to that database."""
    with connect(url) as connection:
        yield connection
