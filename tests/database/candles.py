"""Candles for the tests of the database: written, and read back as a run sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sptrader_stream.database.candles import write_candles
from sptrader_stream.database.connection import Connection
from sptrader_stream.database.source import DatabaseSource
from sptrader_stream.instruments import Instrument
from sptrader_stream.written import WrittenCandles
from tests.plain_candles import EURUSD, Plain, ready, through_the_contract


def write(
    connection: Connection,
    *chunks: Sequence[Plain],
    instrument: Instrument = EURUSD,
    timeframe: str = "1m",
    replace: bool = False,
) -> WrittenCandles:
    pieces = iter([ready(each) for each in chunks])
    return write_candles(connection, instrument, timeframe, pieces, source="given", replace=replace)


def read(url: str, instrument: Instrument = EURUSD, **settings: Any) -> list[Plain]:
    """What a run sees of a series."""
    return through_the_contract(DatabaseSource(url, instrument, **settings), instrument)
