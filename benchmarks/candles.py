"""The files that the engines run over: real candles where they are, synthetic ones otherwise, and a longer file.

``python -m benchmarks.candles`` makes them in a process of its own, because a process passes its peak memory on to
the children that are measured after it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE / "data"
REAL = HERE.parent.parent / "shared" / "data" / "EURUSD-1m.parquet"
SYNTHETIC = DATA / "SYNTHETIC-EURUSD-1m.parquet"

LONG_ROWS = 5_000_000
INSTRUMENTS = HERE.parent / "config" / "instruments.yaml"
SYNTHETIC_RANGE = ("2025-01-01", "2025-07-10")

_WEEK = 7 * 24 * 3600
_ROW_GROUP = 131_072


def long_file(short: Path) -> Path:
    """Where the longer file made from ``short`` is kept."""
    return DATA / f"{short.stem}-long.parquet"


def write_long(short: Path) -> None:
    """Repeat a file's candles to about ``LONG_ROWS``, each repetition moved on by whole weeks."""
    import pyarrow as arrow
    import pyarrow.compute as compute
    import pyarrow.parquet as parquet

    table = parquet.read_table(short)
    times = table["time"]
    span = times[-1].as_py() - times[0].as_py()
    shift = (span // _WEEK + 1) * _WEEK
    place = table.schema.get_field_index("time")
    target = long_file(short)
    temporary = target.with_suffix(".part")
    with parquet.ParquetWriter(temporary, table.schema) as writer:
        for repetition in range(max(1, round(LONG_ROWS / table.num_rows))):
            moved = compute.add(times, arrow.scalar(repetition * shift, arrow.int64()))
            writer.write_table(table.set_column(place, "time", moved), row_group_size=_ROW_GROUP)
    temporary.rename(target)


def write_synthetic() -> None:
    """Write candles of the project's synthetic source to ``SYNTHETIC``, with the columns of the real file."""
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    from sptrader_stream.instruments import find_instrument, load_instruments
    from sptrader_stream.sources.synthetic import SyntheticSource
    from sptrader_stream.timeframes import NANOSECONDS, parse_end, parse_time

    instrument = find_instrument(load_instruments(INSTRUMENTS), "EURUSD")
    start, end = SYNTHETIC_RANGE
    source = SyntheticSource(instrument, timeframe="1m", start=parse_time(start), end=parse_end(end))
    scale = float(10**instrument.price_precision)
    tables = [
        arrow.table(
            {
                "time": chunk.time // NANOSECONDS,
                **{name: getattr(chunk, name) / scale for name in ("open", "high", "low", "close")},
                "volume": chunk.volume.astype("int64"),
            }
        )
        for chunk in source.chunks()
    ]
    temporary = SYNTHETIC.with_suffix(".part")
    parquet.write_table(arrow.concat_tables(tables), temporary)
    temporary.rename(SYNTHETIC)


def main() -> None:
    """Make what is missing: ``python -m benchmarks.candles FILE``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    short = parser.parse_args().file
    DATA.mkdir(exist_ok=True)
    if short == SYNTHETIC and not short.exists():
        write_synthetic()
    if not long_file(short).exists():
        write_long(short)


if __name__ == "__main__":
    main()
