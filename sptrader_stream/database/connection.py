"""Connections to the database, and what is said where one cannot be made or is lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

import psycopg

from sptrader_stream.database.address import VARIABLE, connection_parameters, describe_address
from sptrader_stream.errors import ConfigError, StorageError, UserError

# What goes wrong while a lost connection is given up is not news: the loss itself is told.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

Row: TypeAlias = tuple[object, ...]
Connection: TypeAlias = psycopg.Connection[Row]


def connect(url: str) -> Connection:
    """Connect to the database; nothing is changed outside of ``connection.transaction()`` blocks.

    Args:
        url: as ``DATABASE_URL`` has it.

    Raises:
        ConfigError: it is not an address, or nobody answers there; names the host, never the password.
    """
    parameters = connection_parameters(url)
    try:
        # A pooler between here and the server may give each transaction another session, without what was prepared.
        return psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)  # type: ignore[arg-type]
    except psycopg.Error as error:
        raise ConfigError(
            f"cannot connect to {describe_address(parameters)}: {reason(error)}. Check that the server runs and that "
            f"host, port, user and password in {VARIABLE} are right"
        ) from None


@contextmanager
def connected(url: str, doing: str) -> Iterator[Connection]:
    """Connect for the length of a block, at whose end the connection is closed.

    Args:
        url: as ``DATABASE_URL`` has it.
        doing: what is being done, for an error.

    Raises:
        ConfigError: see :func:`connect`.
        StorageError: see :func:`told`.
    """
    connection = connect(url)
    try:
        with told(doing):
            yield connection
    finally:
        connection.close()


@contextmanager
def told(doing: str, kind: type[UserError] = StorageError) -> Iterator[None]:
    """Turn what the server or the network refuses in a block into an error for the user; a transaction is undone.

    Args:
        doing: what is being done, such as ``writing the candles``.
        kind: which error is made of it.

    Raises:
        UserError: of that kind.
    """
    try:
        yield
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction) as error:
        raise kind(f"{doing}: the database does not allow it: {reason(error)}. Ask for the rights to do so") from error
    except (psycopg.OperationalError, psycopg.InternalError) as error:
        raise kind(
            f"{doing}: the connection to the database was lost or the server gave up: {reason(error)}. What was not "
            "finished was undone: try again"
        ) from error


def reason(error: psycopg.Error) -> str:
    """Give what the server or libpq says in one line."""
    primary = error.diag.message_primary
    text = primary or " ".join(str(error).split()) or type(error).__name__
    return text.rstrip(".")
