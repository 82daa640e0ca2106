"""Writing to the catalog: twice changes nothing, more adds, contradictions are shown, and a kill leaves it whole."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.catalog.manifest import MANIFEST_FILE, Origin
from sptrader_stream.catalog.source import CatalogSource
from sptrader_stream.catalog.writing import open_series, verify_series
from sptrader_stream.errors import DataError, StorageError
from sptrader_stream.instruments import Instrument
from sptrader_stream.timeframes import DAY, HOUR, MINUTE, parse_time
from sptrader_stream.written import WrittenCandles
from tests.catalog.killing import killed_at
from tests.catalog.series import ORIGIN, files, manifest, read, write
from tests.plain_candles import EURUSD, NOON, Plain, plain, ready

NEW_YEAR = parse_time("2025-01-01")
# Over the end of two months.
DAYS = plain(40, start=parse_time("2025-01-20"), step=DAY)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    done = write(tmp_path, plain(3), plain(4, 3))

    assert done == WrittenCandles(read=7, new=7, replaced=0, start=NOON, end=NOON + 6 * MINUTE)
    assert read(tmp_path) == plain(7)


def test_a_month_is_a_file_of_decimals_that_anybody_can_read(tmp_path: Path) -> None:
    write(tmp_path, DAYS, timeframe="1d")

    found = manifest(tmp_path, timeframe="1d")
    assert [(each.month, each.rows) for each in found.months] == [("2025-01", 12), ("2025-02", 28)]
    table = pq.read_table(tmp_path / "EURUSD" / "1d" / found.months[1].file).to_pydict()
    time, open_, high, low, close, volume, _ = DAYS[12]
    assert {name: values[0] for name, values in table.items()} == {
        "time": table["time"][0],
        **{
            name: Decimal(ticks) / 10**5
            for name, ticks in zip(("open", "high", "low", "close"), DAYS[12][1:5], strict=True)
        },
        "volume": volume,
    }
    assert table["time"][0].value == time
    assert (open_, high, low, close) == DAYS[12][1:5]


def test_the_manifest_says_what_there_is(tmp_path: Path) -> None:
    rows = plain(60, spread=2)
    del rows[10:13], rows[40]
    write(tmp_path, rows)

    found = manifest(tmp_path)
    (month,) = found.months
    content = (tmp_path / "EURUSD" / "1m" / month.file).read_bytes()
    assert (found.symbol, found.timeframe, found.rows, found.has_spread) == ("EURUSD", "1m", 56, True)
    assert (found.start, found.end) == ("2025-01-06T12:00:00Z", "2025-01-06T12:59:00Z")
    assert (found.gaps, found.missing) == (2, 4)
    assert month.sha256 == hashlib.sha256(content).hexdigest()
    assert found.origins == (
        msgspec.structs.replace(ORIGIN, start=found.start, end=found.end, rows=56, new=56, sha256="0" * 64),
    )


def test_gaps_between_months_count_as_well(tmp_path: Path) -> None:
    whole = plain(10, start=parse_time("2025-01-31T19:00:00Z"), step=HOUR)
    write(tmp_path, whole[:3], whole[6:], timeframe="1h")

    found = manifest(tmp_path, timeframe="1h")
    assert [(each.month, each.gaps) for each in found.months] == [("2025-01", 0), ("2025-02", 0)]
    assert (found.gaps, found.missing) == (1, 3)


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, plain(100))
    before = {name: (tmp_path / "EURUSD" / "1m" / name).read_bytes() for name in files(tmp_path)}

    done = write(tmp_path, plain(50), plain(50, 50))

    assert (done.read, done.new, done.replaced) == (100, 0, 0)
    assert {name: (tmp_path / "EURUSD" / "1m" / name).read_bytes() for name in files(tmp_path)} == before


def test_writing_more_adds_before_between_and_behind(tmp_path: Path) -> None:
    write(tmp_path, plain(10, 20), plain(10, 40))
    done = write(tmp_path, plain(100))

    assert (done.read, done.new, done.replaced) == (100, 80, 0)
    assert read(tmp_path) == plain(100)
    assert [(each.rows, each.new) for each in manifest(tmp_path).origins] == [(20, 20), (100, 80)]


def test_contradictions_are_shown_and_nothing_is_written(tmp_path: Path) -> None:
    write(tmp_path, plain(5))
    changed = plain(8)
    changed[1] = (*changed[1][:4], 110_012, *changed[1][5:])
    changed[3] = (*changed[3][:5], 9.0, None)

    with pytest.raises(DataError) as caught:
        write(tmp_path, changed)

    assert str(caught.value) == (
        "given.csv: 2 candles contradict what the catalog has of EURUSD 1m; nothing was written. See which are right; "
        "--replace puts the new ones in place of the old. The first:\n"
        "  2025-01-06T12:01:00Z: open 1.10001, high 1.10021, low 1.09991, close 1.10011, volume 1.5 is there, "
        "open 1.10001, high 1.10021, low 1.09991, close 1.10012, volume 1.5 was to be written\n"
        "  2025-01-06T12:03:00Z: open 1.10003, high 1.10023, low 1.09993, close 1.10013, volume 3.5 is there, "
        "open 1.10003, high 1.10023, low 1.09993, close 1.10013, volume 9 was to be written"
    )
    assert read(tmp_path) == plain(5)

    done = write(tmp_path, changed, replace=True)
    assert (done.read, done.new, done.replaced) == (8, 3, 2)
    assert read(tmp_path) == changed


def test_a_contradiction_in_a_later_month_writes_nothing_of_the_earlier_ones(tmp_path: Path) -> None:
    write(tmp_path, DAYS[20:], timeframe="1d")
    changed = [*DAYS[:39], (*DAYS[39][:4], 1, *DAYS[39][5:])]

    there = files(tmp_path, timeframe="1d")
    with pytest.raises(DataError, match="1 candle contradicts"):
        write(tmp_path, changed, timeframe="1d")
    assert read(tmp_path, timeframe="1d") == DAYS[20:]
    assert files(tmp_path, timeframe="1d") == there


def test_a_series_has_a_spread_everywhere_or_nowhere(tmp_path: Path) -> None:
    write(tmp_path, plain(5, spread=3))

    with pytest.raises(DataError, match="its candles have no spread, and those there have one"):
        write(tmp_path, plain(5, 5))
    assert read(tmp_path) == plain(5, spread=3)


def test_prices_keep_their_decimals_where_the_instrument_is_declared_anew(tmp_path: Path) -> None:
    write(tmp_path, plain(5))
    coarser = Instrument(symbol="EURUSD", price_precision=4, quantity_precision=2)
    finer = Instrument(symbol="EURUSD", price_precision=6, quantity_precision=2)

    write(tmp_path, [(NOON + 5 * MINUTE, 11_000, 11_000, 11_000, 11_000, 1.0, None)], instrument=coarser)
    write(tmp_path, [(NOON + 6 * MINUTE, 1_100_010, 1_100_010, 1_100_000, 1_100_000, 1.0, None)], instrument=finer)

    assert [row[1] for row in read(tmp_path)] == [*range(110_000, 110_005), 110_000, 110_001]
    assert [row[1] for row in read(tmp_path, finer)][:2] == [1_100_000, 1_100_010]
    with pytest.raises(DataError, match="the high of the candle of 2025-01-06T12:07:00Z has more than the 5 decimal"):
        write(tmp_path, [(NOON + 7 * MINUTE, 1_100_010, 1_100_011, 1_100_010, 1_100_010, 1.0, None)], instrument=finer)


def test_one_program_writes_at_a_time(tmp_path: Path) -> None:
    with (
        open_series(tmp_path, EURUSD, "1m"),
        pytest.raises(StorageError, match="EURUSD/1m: another program is writing to this series: wait until"),
    ):
        write(tmp_path, plain(5))
    write(tmp_path, plain(5), timeframe="5m")


def test_a_reader_goes_on_with_what_was_there_when_it_began(tmp_path: Path) -> None:
    write(tmp_path, DAYS, timeframe="1d")
    source = CatalogSource(tmp_path / "EURUSD" / "1d", EURUSD)
    changed = [(*row[:5], 7.0, None) for row in DAYS]
    chunks = source.chunks()
    before = next(chunks)

    write(tmp_path, changed, timeframe="1d", replace=True)
    behind = next(chunks)

    assert [*before.volume.tolist(), *behind.volume.tolist()] == [row[5] for row in DAYS]
    assert read(tmp_path, timeframe="1d") == changed
    # The second change takes the files away.
    write(tmp_path, [(*row[:5], 8.0, None) for row in DAYS], timeframe="1d", replace=True)
    with pytest.raises(DataError, match="is gone: the series was changed twice while it was read"):
        list(source.chunks())


def test_files_of_earlier_states_do_not_pile_up(tmp_path: Path) -> None:
    for count in range(1, 30):
        write(tmp_path, plain(count))
    assert len(files(tmp_path)) <= 3


def test_a_series_is_verified_until_it_changes(tmp_path: Path) -> None:
    write(tmp_path, plain(5))
    assert manifest(tmp_path).trust == "user-supplied"
    seen = manifest(tmp_path)
    verify_series(tmp_path, EURUSD, seen)
    assert manifest(tmp_path).trust == "verified"
    write(tmp_path, plain(6))
    assert manifest(tmp_path).trust == "user-supplied"
    with pytest.raises(StorageError, match="was changed just now: check it again"):
        verify_series(tmp_path, EURUSD, seen)


def test_a_manifest_that_is_none_is_told(tmp_path: Path) -> None:
    write(tmp_path, plain(5))
    file = tmp_path / "EURUSD" / "1m" / MANIFEST_FILE
    file.write_text('{"version": 2}')
    with pytest.raises(
        DataError, match=r"manifest.json: written by a later version of sptrader \(2, this one knows 1\)"
    ):
        read(tmp_path)
    file.write_text("not JSON")
    with pytest.raises(DataError, match="not the manifest of a series"):
        write(tmp_path, plain(5))


def test_a_damaged_file_is_an_error_and_no_candles(tmp_path: Path) -> None:
    write(tmp_path, plain(2_000))
    file = tmp_path / "EURUSD" / "1m" / manifest(tmp_path).months[0].file
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 0x55
    file.write_bytes(content)

    with pytest.raises(DataError, match=r"parquet: is damaged: .*Remove the file and import its month again"):
        read(tmp_path)


writes = st.lists(
    st.tuples(st.sets(st.integers(0, 60), min_size=1), st.integers(0, 2), st.booleans()), min_size=1, max_size=6
)


@given(steps=writes)
@settings(max_examples=60)
def test_any_sequence_of_writes_is_that_of_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[set[int], int, bool]]
) -> None:
    catalog = tmp_path_factory.mktemp("catalog")
    there: dict[int, Plain] = {}
    for places, kind, replace in steps:
        # Twelve hours apart they go over two months; kinds differ in volume.
        whole = plain(61, start=parse_time("2025-01-20"), step=12 * HOUR)
        rows = [(*whole[place][:5], float(place * (kind == 2)), None) for place in sorted(places)]
        fits = all(there.get(row[0], row) == row for row in rows)
        if fits or replace:
            done = write(catalog, rows, timeframe="12h", replace=replace)
            assert done.new == len([row for row in rows if row[0] not in there])
            assert done.replaced == len([row for row in rows if there.get(row[0], row) != row])
            there |= {row[0]: row for row in rows}
        else:
            with pytest.raises(DataError):
                write(catalog, rows, timeframe="12h")
        if there:
            assert read(catalog, timeframe="12h") == [there[time] for time in sorted(there)]
            found = manifest(catalog, timeframe="12h")
            assert found.rows == len(there)
            assert found.missing == sum((b - a) // (12 * HOUR) - 1 for a, b in pairwise(sorted(there)))


def test_a_writer_that_is_killed_leaves_the_old_state_or_the_new(tmp_path: Path) -> None:
    imports = "from tests.catalog.series import write; from tests.catalog.test_writing import DAYS"
    old = DAYS[5:30]
    for step in range(1, 40):
        catalog = tmp_path / str(step)
        write(catalog, old, timeframe="1d")
        was_killed = killed_at(step, imports, "write(catalog, DAYS, timeframe='1d')", catalog)
        assert read(catalog, timeframe="1d") in (old, DAYS)
        # Going on completes it, and leaves nothing of what was half done.
        write(catalog, DAYS, timeframe="1d")
        assert read(catalog, timeframe="1d") == DAYS
        write(catalog, plain(1, start=parse_time("2025-06-02"), step=DAY), timeframe="1d")
        found = manifest(catalog, timeframe="1d")
        assert files(catalog, timeframe="1d") == {MANIFEST_FILE, *(each.file for each in found.months), *found.replaced}
        if not was_killed:
            break
    else:
        pytest.fail("the writer never came to its end")
    # Three files were written, each with two steps to the disk and one to its name.
    assert step >= 8


def test_a_full_disk_leaves_the_series_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, DAYS[5:], timeframe="1d")

    def full(path: Path, data: bytes) -> int:
        path.open("wb").close()
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="cannot be written: No space left on device"):
        write(tmp_path, DAYS, timeframe="1d")
    monkeypatch.undo()
    assert read(tmp_path, timeframe="1d") == DAYS[5:]


def test_what_comes_piece_by_piece_from_a_server_is_one_origin(tmp_path: Path) -> None:
    origin = Origin(
        source="http://server EURUSD 1m", kind="http", trust="external", retrieved_at="2025-06-01T00:00:00Z"
    )
    with open_series(tmp_path, EURUSD, "1m") as writer:
        for first in (0, 5):
            writer.write(writer.rows(iter([ready(plain(5, first))])), origin)
    (found,) = manifest(tmp_path).origins
    assert (found.rows, found.new, found.start, found.end) == (10, 10, "2025-01-06T12:00:00Z", "2025-01-06T12:09:00Z")
