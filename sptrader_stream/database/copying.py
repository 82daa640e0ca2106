"""Columns on their way into a table, by PostgreSQL's binary COPY."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from sptrader_stream.database.binary import COPY_END, COPY_HEADER, Column, copy_rows
from sptrader_stream.database.connection import Connection


def copy_columns(connection: Connection, table: str, names: Sequence[str], rows: Iterator[Sequence[Column]]) -> int:
    """Copy columns into a table; answers how many rows.

    Args:
        connection: in a transaction.
        table: its name.
        names: of its columns, in order; the last may have no values.
        rows: the values of the columns, a chunk at a time.
    """
    first = next(rows, None)
    if first is None:
        return 0
    copied = 0
    statement = f"COPY {table} ({', '.join(names[: len(first)])}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.write(COPY_HEADER)
        for columns in itertools.chain([first], rows):
            copied += len(columns[0])
            copy.write(copy_rows(columns))
        copy.write(COPY_END)
    return copied
