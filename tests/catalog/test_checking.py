"""Looking candles through: the calendar is that which pandas counts, and damage is found."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sptrader_stream.catalog.checking import Gap, check_candles, damaged_files
from sptrader_stream.catalog.finding import list_series
from sptrader_stream.catalog.source import CatalogSource
from sptrader_stream.instruments import Instrument
from sptrader_stream.opening import open_source
from sptrader_stream.timeframes import HOUR, MINUTE, parse_time
from tests.catalog.series import write
from tests.plain_candles import EURUSD, NOON, plain
from tests.sources.samples import REAL, Given, candles

FOREX = Instrument(symbol="EURUSD", price_precision=5, quantity_precision=2, trading_hours="forex")


def test_the_calendar_counts_candles_and_gaps_by_month(tmp_path: Path) -> None:
    rows = plain(50, start=parse_time("2025-01-31"), step=HOUR)
    del rows[3], rows[20:25], rows[40:42]
    write(tmp_path, rows, timeframe="1h")

    found = check_candles(CatalogSource(tmp_path / "EURUSD" / "1h", EURUSD), EURUSD)

    # The second gap, of five hours, is from 21:00 on; the third of two is in February.
    assert [(each.month, each.candles, each.gaps, each.missing) for each in found.months] == [
        ("2025-01", 20, 2, 6),
        ("2025-02", 22, 1, 2),
    ]
    assert found.longest[0] == Gap(5, parse_time("2025-01-31T21:00:00Z"), parse_time("2025-02-01T02:00:00Z"))
    assert [each.missing for each in found.longest] == [5, 2, 1]
    assert [(each.kind, each.count) for each in found.issues] == [("gap", 3)]


def test_the_real_candles_are_counted_as_pandas_counts_them() -> None:
    found = check_candles(open_source(str(REAL), FOREX), FOREX)

    times = pd.to_datetime(pd.read_parquet(REAL)["time"], unit="s")
    wanted = times.dt.strftime("%Y-%m").value_counts().sort_index()
    assert {each.month: each.candles for each in found.months} == wanted.to_dict()
    assert found.candles == len(times)
    (gaps,) = found.issues
    assert sum(each.gaps for each in found.months) == gaps.count


def test_findings_do_not_end_it() -> None:
    source = Given([candles([{}, {"high": 0.5}, {"time": 0.5}, {"time": 2}, {"time": 9}])])

    found = check_candles(source, EURUSD)

    assert [(each.kind, each.count) for each in found.issues] == [("range", 1), ("misaligned", 1), ("gap", 2)]
    assert found.candles == 4
    assert found.longest[0] == Gap(6, NOON + 3 * MINUTE, NOON + 9 * MINUTE)


def test_files_that_are_not_what_was_written_are_found(tmp_path: Path) -> None:
    write(tmp_path, plain(40, start=parse_time("2025-01-20"), step=24 * HOUR), timeframe="1d")
    (series,) = list_series(tmp_path)
    assert damaged_files(series) == []

    first, second = (series.folder / each.file for each in series.manifest.months)
    first.write_bytes(first.read_bytes()[:-1])
    assert damaged_files(series) == [first]
    second.unlink()
    assert damaged_files(series) == [first, second]
