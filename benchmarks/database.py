"""``python -m benchmarks.database``: candles a second into a database and out of it, with a PostgreSQL of its own.

Nothing is made to last, as in the tests: what is measured is the way between Python and the server, not a disk.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from benchmarks.candles import INSTRUMENTS
from benchmarks.machine import describe
from sptrader_stream.candles import ReadyCandles
from sptrader_stream.instruments import Instrument, find_instrument, load_instruments
from sptrader_stream.timeframes import MINUTE, parse_time
from tests.database.postgres import Server, find_binaries, running_server

CANDLES = 1_000_000
ROUNDS = 3
START = parse_time("2000-01-03")


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.database", description=__doc__)
    parser.add_argument("--candles", type=int, default=CANDLES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    binaries = find_binaries()
    if binaries is None:
        sys.stderr.write("no PostgreSQL: initdb is neither on the PATH nor in /usr/lib/postgresql/*/bin\n")
        return 1
    chunks = _chunks(arguments.candles)
    with running_server(binaries) as server:
        found = _measure(server, chunks, arguments.rounds)
    machine = describe()
    print(
        f"{machine['processor']}, {machine['cores']} cores; {arguments.candles:,} candles, best of {arguments.rounds}"
    )
    print("\n| | candles a second |\n|---|---|")
    for name, speed in found.items():
        print(f"| {name} | {speed:,.0f} |")
    return 0


def _measure(server: Server, chunks: list[ReadyCandles], rounds: int) -> dict[str, float]:
    from sptrader_stream.database.candles import write_candles
    from sptrader_stream.database.connection import connect
    from sptrader_stream.database.schema import migrate
    from sptrader_stream.database.source import DatabaseSource
    from sptrader_stream.sources.intake import Intake, ready_chunks

    instrument = _instrument()
    count = sum(map(len, chunks))

    def write() -> None:
        write_candles(connection, instrument, "1m", iter(chunks), source="benchmark")

    def emptied() -> None:
        connection.execute("TRUNCATE sptrader.series, sptrader.candles")

    def read() -> None:
        source = DatabaseSource(server.url(), instrument)
        assert sum(map(len, ready_chunks(source, Intake(source, instrument)))) == count

    with connect(server.url()) as connection:
        migrate(connection)
        return {
            "written, new": count / _best(write, rounds, before=emptied),
            "written, there already": count / _best(write, rounds),
            "read and checked": count / _best(read, rounds),
        }


def _best(work: Callable[[], None], rounds: int, before: Callable[[], None] = lambda: None) -> float:
    """Give the seconds of the fastest round."""
    seconds = []
    for _ in range(rounds):
        before()
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def _instrument() -> Instrument:
    return find_instrument(load_instruments(INSTRUMENTS), "BTCUSD")


def _chunks(count: int) -> list[ReadyCandles]:
    """Make candles up, so that making them is not measured."""
    from sptrader_stream.sources.synthetic import SyntheticSource

    source = SyntheticSource(_instrument(), timeframe="1m", start=START, end=START + (count - 1) * MINUTE)
    return list(source.chunks())


if __name__ == "__main__":
    sys.exit(main())
