"""Candles go into the database as they are, all of a file or none, and never over different ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.database.candles import write_candles
from sptrader_stream.database.connection import Connection, connect, connected
from sptrader_stream.errors import DataError, StorageError
from sptrader_stream.instruments import Instrument
from sptrader_stream.timeframes import MINUTE
from tests.database.candles import read, write
from tests.plain_candles import EURUSD, NOON, Plain, plain, ready

LARGEST = 9_000_000_000_000 - 1


def stored(connection: Connection) -> list[tuple[object, ...]]:
    """All candles as SQL gives them: symbol, nanoseconds, prices as decimals, volume."""
    return connection.execute(
        "SELECT symbol, timeframe, (extract(epoch FROM time) * 1000000000)::bigint, open, high, low, close, volume, "
        "spread FROM sptrader.candle_prices ORDER BY symbol, timeframe, time"
    ).fetchall()


def test_candles_are_exact_decimals_to_whoever_asks_in_sql(connection: Connection) -> None:
    write(connection, [(NOON, 103_503, 103_510, 103_500, 103_505, 12.25, 7)])
    prices = [Decimal(text) for text in ("1.03503", "1.03510", "1.03500", "1.03505")]
    assert stored(connection) == [("EURUSD", "1m", NOON, *prices, 12.25, Decimal("0.00007"))]
    assert str(stored(connection)[0][4]) == "1.03510"


@st.composite
def many_candles(draw: st.DrawFn) -> tuple[Instrument, list[Plain]]:
    precision = draw(st.integers(0, 8))
    with_spread = draw(st.booleans())
    rows: list[Plain] = []
    time = draw(st.integers(-(10**6), 10**6)) * MINUTE
    for _ in range(draw(st.integers(1, 12))):
        low = draw(st.integers(1, LARGEST))
        high = draw(st.integers(low, LARGEST))
        open_, close = draw(st.integers(low, high)), draw(st.integers(low, high))
        volume = draw(st.floats(0, allow_infinity=False))
        rows.append((time, open_, high, low, close, volume, draw(st.integers(0, LARGEST)) if with_spread else None))
        time += draw(st.integers(1, 3)) * MINUTE
    return Instrument(symbol="ANY", price_precision=precision, quantity_precision=0), rows


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=many_candles(), cut=st.integers(0, 12))
def test_what_is_written_is_read_whatever_it_is(
    url: str, connection: Connection, made: tuple[Instrument, list[Plain]], cut: int
) -> None:
    instrument, rows = made
    connection.execute("TRUNCATE sptrader.candles, sptrader.series")
    write(connection, *filter(None, (rows[:cut], rows[cut:])), instrument=instrument)
    assert read(url, instrument) == rows
    scale = Decimal(10) ** -instrument.price_precision
    assert [each[3:7] for each in stored(connection)] == [tuple(n * scale for n in row[1:5]) for row in rows]


def test_the_same_candles_twice_change_nothing(url: str, connection: Connection) -> None:
    rows = plain(20)
    first = write(connection, rows)
    again = write(connection, rows)
    assert (first.read, first.new, first.start, first.end) == (20, 20, NOON, NOON + 19 * MINUTE)
    assert (again.read, again.new, again.replaced) == (20, 0, 0)
    assert read(url) == rows


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]])
def test_pieces_of_a_series_come_in_any_order_and_may_overlap(
    url: str, connection: Connection, order: list[int]
) -> None:
    rows = plain(30)
    pieces = [rows[:12], rows[8:20], rows[15:]]
    for each in order:
        # Cut in the middle, so that the border between old and new lies in, at and between chunks.
        write(connection, pieces[each][:5], pieces[each][5:])
    assert read(url) == rows


def test_a_contradiction_is_shown_and_nothing_is_written(url: str, connection: Connection) -> None:
    rows = plain(10)
    write(connection, rows)
    different = [(*row[:4], row[4] + 1, *row[5:]) if i in (2, 5, 6, 7) else row for i, row in enumerate(plain(15))]
    with pytest.raises(DataError) as caught:
        write(connection, different)
    assert str(caught.value).splitlines() == [
        "4 candles contradict what the database has of EURUSD 1m; nothing was written. See which are right; --replace "
        "puts the new ones in place of the old. The first:",
        "  2025-01-06T12:02:00Z: open 1.10002, high 1.10022, low 1.09992, close 1.10012, volume 2.5 is there, "
        "open 1.10002, high 1.10022, low 1.09992, close 1.10013, volume 2.5 was to be written",
        "  2025-01-06T12:05:00Z: open 1.10005, high 1.10025, low 1.09995, close 1.10015, volume 5.5 is there, "
        "open 1.10005, high 1.10025, low 1.09995, close 1.10016, volume 5.5 was to be written",
        "  2025-01-06T12:06:00Z: open 1.10006, high 1.10026, low 1.09996, close 1.10016, volume 6.5 is there, "
        "open 1.10006, high 1.10026, low 1.09996, close 1.10017, volume 6.5 was to be written",
    ]
    assert read(url) == rows
    written = write(connection, different, replace=True)
    assert (written.read, written.new, written.replaced) == (15, 5, 4)
    assert read(url) == different


@pytest.mark.parametrize("field", range(1, 7))
def test_a_contradiction_in_any_value_is_found(connection: Connection, field: int) -> None:
    rows = plain(3, spread=4)
    write(connection, rows)
    changed = [list(row) for row in rows]
    changed[1][field] += 1  # type: ignore[operator]
    with pytest.raises(DataError, match="1 candle contradicts"):
        write(connection, [tuple(row) for row in changed])  # type: ignore[misc]


def test_series_do_not_get_into_each_others_way(url: str, connection: Connection) -> None:
    other = msgspec.structs.replace(EURUSD, symbol="GBPUSD")
    write(connection, plain(5))
    write(connection, plain(3, first=50), instrument=other)
    write(connection, plain(4, first=90), timeframe="5m")
    assert read(url, timeframe="1m") == plain(5)
    assert read(url, other) == plain(3, first=50)
    assert len(stored(connection)) == 12


@pytest.mark.parametrize("symbol", ["'; DROP TABLE sptrader.candles; --", '"', "%s", "%(series)s", "{spread}", "\\"])
def test_a_symbol_is_a_text_and_never_sql(url: str, connection: Connection, symbol: str) -> None:
    instrument = msgspec.structs.replace(EURUSD, symbol=symbol)
    write(connection, plain(3), instrument=instrument)
    write(connection, plain(3), instrument=instrument)
    assert read(url, instrument) == plain(3)
    with pytest.raises(DataError, match="1 candle contradicts"):
        write(connection, [(NOON, 1, 1, 1, 1, 0.0, None)], instrument=instrument)


def test_candles_of_another_precision_are_converted_where_that_is_exact(url: str, connection: Connection) -> None:
    write(connection, plain(2))
    coarse = msgspec.structs.replace(EURUSD, price_precision=4)
    fine = msgspec.structs.replace(EURUSD, price_precision=7)
    at = NOON + 2 * MINUTE
    write(connection, [(at, 11_001, 11_002, 11_000, 11_001, 1.0, None)], instrument=coarse)
    at += MINUTE
    write(connection, [(at, 11_001_100, 11_002_300, 11_000_000, 11_001_100, 1.0, None)], instrument=fine)
    assert read(url)[2:] == [
        (NOON + 2 * MINUTE, 110_010, 110_020, 110_000, 110_010, 1.0, None),
        (NOON + 3 * MINUTE, 110_011, 110_023, 110_000, 110_011, 1.0, None),
    ]
    with pytest.raises(DataError, match=r"candle of 2025-01-06T12:09:00Z .* more than the 5 decimal places"):
        write(
            connection,
            [(NOON + 9 * MINUTE, 11_001_101, 11_002_300, 11_000_000, 11_001_100, 1.0, None)],
            instrument=fine,
        )
    with pytest.raises(DataError, match="too large for 5 decimal places"):
        write(connection, [(NOON + 9 * MINUTE, 1, LARGEST, 1, 1, 1.0, None)], instrument=coarse)


def test_spreads_are_of_all_candles_of_a_series_or_of_none(connection: Connection) -> None:
    write(connection, plain(2))
    with pytest.raises(DataError, match=r"2025-01-06T12:05:00Z .* these have one, those there have none"):
        write(connection, plain(2, first=5, spread=3))
    write(connection, plain(2, spread=3), timeframe="5m")
    with pytest.raises(DataError, match="these have none, those there have one"):
        write(connection, plain(2, first=5), timeframe="5m")


def test_a_time_that_the_database_cannot_keep_is_refused(connection: Connection) -> None:
    with pytest.raises(DataError, match="time is finer than a microsecond"):
        write(connection, [(NOON + 1, 1, 1, 1, 1, 0.0, None)])
    assert stored(connection) == []


def test_no_candles_leave_no_series(connection: Connection) -> None:
    with pytest.raises(DataError, match="no candles of EURUSD 1m to write"):
        write(connection)
    assert connection.execute("SELECT count(*) FROM sptrader.series").fetchone() == (0,)


def test_candles_that_come_twice_are_refused_as_a_whole(connection: Connection) -> None:
    with pytest.raises(DataError, match="two candles of EURUSD 1m are of the same time"):
        write(connection, plain(3), plain(3))
    assert connection.execute("SELECT count(*) FROM sptrader.series").fetchone() == (0,)


def _breaking(chunks: list[list[Plain]], url: str, pid: int) -> Iterator[ReadyCandles]:
    """Chunks between which the server ends the session that writes them, as a crash or an administrator does."""
    yield ready(chunks[0])
    with connect(url) as other:
        # Waits until it is gone.
        assert other.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,)).fetchone() == (True,)
    for each in chunks[1:]:
        yield ready(each)


@pytest.mark.parametrize("before", [[], plain(6)], ids=["new", "among others"])
def test_a_writer_that_is_killed_leaves_nothing_of_it(url: str, before: list[Plain]) -> None:
    with connect(url) as connection:
        if before:
            write(connection, before)
    chunks = [plain(4), plain(5000, first=4), plain(5000, first=5004)]

    def killed() -> None:
        with connected(url, "writing candles") as connection:
            pid = connection.info.backend_pid
            write_candles(connection, EURUSD, "1m", _breaking(chunks, url, pid), source="given")

    with pytest.raises(StorageError, match=r"writing candles: the connection to the database was lost .* try again"):
        killed()
    with connect(url) as connection:
        assert [row[2] for row in stored(connection)] == [row[0] for row in before]
        written = write(connection, *chunks)
    assert written.new == 10_004 - len(before)


def test_two_writers_of_a_series_take_turns(url: str) -> None:
    rows = plain(3000)
    pieces = [rows[:2000], rows[1000:]]
    start = threading.Barrier(2)
    new: list[int] = []

    def work(piece: list[Plain]) -> None:
        with connect(url) as connection:
            start.wait()
            new.append(write(connection, piece).new)

    threads = [threading.Thread(target=work, args=(piece,)) for piece in pieces]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(new) == 3000
    assert read(url) == rows
