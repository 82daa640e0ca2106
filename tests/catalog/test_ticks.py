"""Ticks in the catalog: kept exactly as they came, and the candles that they make those of the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.catalog.exporting import export_rows
from sptrader_stream.catalog.finding import Holding, find_holding, find_series, list_holdings
from sptrader_stream.catalog.importing import Imported, Keeping, resample_series
from sptrader_stream.catalog.importing_ticks import import_ticks
from sptrader_stream.catalog.ticks import CatalogTicks
from sptrader_stream.errors import DataError, EmptyRangeError
from sptrader_stream.instruments import Instrument
from sptrader_stream.opening import open_source, open_ticks
from sptrader_stream.sources.contract import KINDS, RESEARCH, DataPolicy
from sptrader_stream.timeframes import DAY, HOUR, MINUTE, NANOSECONDS, TICK, parse_time
from tests.catalog.series import files, manifest, write
from tests.plain_candles import EURUSD, plain, through_the_contract

MILLISECOND = 10**6
START = parse_time("2025-01-30T22:00:00Z")

# Milliseconds after START, bid and ask in ticks, volume.
Tick = tuple[int, int, int, float]
SOME: list[Tick] = [
    (0, 110_000, 110_002, 1.0),
    (500, 110_001, 110_002, 1.5),
    (500, 110_001, 110_004, 1.0),
    (61_000, 109_990, 109_995, 2.0),
    (180_000, 109_999, 110_000, 1.0),
]
# Four days, over a month's end.
MANY: list[Tick] = [(k * 17_041, 110_000 + k % 97, 110_002 + k % 97 + k % 5, float(k % 3)) for k in range(20_000)]


def price(ticks: int) -> str:
    return f"{ticks // 10**5}.{ticks % 10**5:05}"


def write_file(path: Path, ticks: list[Tick]) -> str:
    lines = [
        f"{START // MILLISECOND + moment},{price(bid)},{price(ask)},{volume}" for moment, bid, ask, volume in ticks
    ]
    path.write_text("\n".join(["time,bid,ask,volume", *lines]) + "\n")
    return str(path)


def bring_in(catalog: Path, ticks: list[Tick], *, replace: bool = False) -> Imported:
    path = catalog.parent / f"{catalog.name}.csv"
    return bring_file_in(catalog, write_file(path, ticks), replace=replace)


def bring_file_in(catalog: Path, file: str, *, replace: bool = False, policy: DataPolicy = RESEARCH) -> Imported:
    opened = open_ticks(file, EURUSD)
    assert opened is not None
    keeping = Keeping(catalog, policy, now=0, replace=replace)
    return import_ticks(keeping, opened, EURUSD, Path(file))


def read(catalog: Path, start: int | None = None, end: int | None = None) -> list[Tick]:
    found: list[Tick] = []
    for rows in CatalogTicks(catalog / "EURUSD" / TICK, EURUSD, start, end).rows():
        moments = ((rows.time - START) // MILLISECOND).tolist()
        found += zip(moments, *(rows.values[name].tolist() for name in ("bid", "ask", "volume")), strict=True)
    return found


def test_ticks_are_kept_as_they_came(tmp_path: Path) -> None:
    done = bring_in(tmp_path / "data", SOME)
    assert (done.timeframe, done.written.read, done.written.new, done.issues) == (TICK, 5, 5, ())
    assert read(tmp_path / "data") == SOME


@pytest.mark.parametrize("timeframe", ["1s", "1m", "1h"])
def test_their_candles_are_those_of_the_file(tmp_path: Path, timeframe: str) -> None:
    file = write_file(tmp_path / "ticks.csv", MANY)
    bring_in(tmp_path / "data", MANY)
    series = str(tmp_path / "data" / "EURUSD" / TICK)
    for start, end in ((None, None), (START + DAY, START + 2 * DAY)):
        of_series = open_source(series, EURUSD, timeframe=timeframe, start=start, end=end)
        of_file = open_source(file, EURUSD, timeframe=timeframe, start=start, end=end)
        found, whole = through_the_contract(of_series), through_the_contract(of_file)
        # Of a candle that the last tick falls into, more may come.
        assert found == (whole[:-1] if end is None else whole)
        assert found[0][0] - HOUR < (of_series.info.start or 0) <= found[0][0]
        assert found[-1][0] <= (of_series.info.end or 0) < found[-1][0] + HOUR
    assert START + DAY <= found[0][0] <= found[-1][0] <= START + 2 * DAY


def test_a_range_reads_the_months_that_it_touches(tmp_path: Path) -> None:
    bring_in(tmp_path / "data", MANY)
    assert [each.month for each in manifest(tmp_path / "data", timeframe=TICK).months] == ["2025-01", "2025-02"]
    (tmp_path / "data" / "EURUSD" / TICK / manifest(tmp_path / "data", timeframe=TICK).months[0].file).unlink()
    first = parse_time("2025-02-01")
    found = read(tmp_path / "data", first, first + 60 * NANOSECONDS)
    assert found == [each for each in MANY if first <= START + each[0] * MILLISECOND <= first + 60 * NANOSECONDS]
    with pytest.raises(DataError, match="is gone"):
        read(tmp_path / "data")


def test_bringing_them_in_twice_changes_nothing(tmp_path: Path) -> None:
    bring_in(tmp_path / "data", MANY)
    before, there = manifest(tmp_path / "data", timeframe=TICK), files(tmp_path / "data", timeframe=TICK)
    done = bring_in(tmp_path / "data", MANY).written
    assert (done.read, done.new, done.replaced) == (20_000, 0, 0)
    assert manifest(tmp_path / "data", timeframe=TICK) == before
    assert files(tmp_path / "data", timeframe=TICK) == there


def test_ticks_of_one_time_contradict_others_as_a_whole(tmp_path: Path) -> None:
    bring_in(tmp_path / "data", SOME)
    with pytest.raises(DataError, match=r"1 tick contradicts what the catalog has of EURUSD tick.*\n") as caught:
        bring_in(tmp_path / "data", SOME[:2])
    assert str(caught.value).splitlines()[1] == (
        "  2025-01-30T22:00:00.5Z: bid 1.10001, ask 1.10002, volume 1.5; bid 1.10001, ask 1.10004, volume 1 is there, "
        "bid 1.10001, ask 1.10002, volume 1.5 was to be written"
    )
    assert read(tmp_path / "data") == SOME
    done = bring_in(tmp_path / "data", SOME[:2], replace=True).written
    assert (done.new, done.replaced) == (0, 1)
    assert read(tmp_path / "data") == [*SOME[:2], *SOME[3:]]


ticks_at = st.dictionaries(
    st.integers(0, 6), st.lists(st.tuples(st.integers(1, 3), st.integers(0, 2)), min_size=1, max_size=3), min_size=1
)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.tuples(ticks_at, st.booleans()), min_size=1, max_size=5))
def test_any_sequence_of_imports_is_that_of_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[dict[int, list[tuple[int, int]]], bool]]
) -> None:
    catalog = tmp_path_factory.mktemp("ticks") / "data"
    there: dict[int, list[Tick]] = {}
    for given_ticks, replace in steps:
        # Half a day apart they go over a month's end.
        new = {
            place: [(place * 43_200_000, bid, bid + more, 1.0) for bid, more in group]
            for place, group in sorted(given_ticks.items())
        }
        rows = [tick for group in new.values() for tick in group]
        if all(there.get(place, group) == group for place, group in new.items()) or replace:
            done = bring_in(catalog, rows, replace=replace).written
            assert done.new == sum(len(group) for place, group in new.items() if place not in there)
            assert done.replaced == sum(len(new[each]) for each in new if there.get(each, new[each]) != new[each])
            there |= new
        else:
            with pytest.raises(DataError, match="contradict"):
                bring_in(catalog, rows)
        if there:
            assert read(catalog) == [tick for place in sorted(there) for tick in there[place]]


def test_prices_that_are_finer_are_rounded_and_told_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "fine.csv"
    file.write_text("time,bid,ask\n1738274400000,1.1,1.10002\n1738274401000,1.100015,1.10003\n")
    with pytest.raises(DataError, match=r"fine.csv, line 3: the price 1.100015 of the tick of .*:01Z is finer than 5"):
        bring_file_in(tmp_path / "data", str(file), policy=dict.fromkeys(KINDS, "block"))
    (issue,) = bring_file_in(tmp_path / "data", str(file)).issues
    assert (issue.kind, issue.count, issue.places) == ("precision", 1, ("line 3",))
    assert issue.message == "1 tick has prices finer than 5 decimal places: rounded half to even"
    assert [tick[1:] for tick in read(tmp_path / "data")] == [(110_000, 110_002, 1.0), (110_002, 110_003, 1.0)]


def test_findings_are_ticks_in_order(tmp_path: Path) -> None:
    file = tmp_path / "fine.csv"
    lines = ["1,1.1,1.100025", "2,1.100015,1.100025", "3,1.1,1.2", "4,1.100015,1.2"]
    file.write_text("\n".join(["time,bid,ask", *(f"173827440000{each}" for each in lines)]) + "\n")
    (issue,) = bring_file_in(tmp_path / "data", str(file)).issues
    assert (issue.count, issue.places) == (3, ("line 2", "line 3", "line 5"))


def test_prices_that_the_instrument_has_and_the_series_has_not_are_refused(tmp_path: Path) -> None:
    bring_in(tmp_path / "data", SOME)
    file = tmp_path / "fine.csv"
    file.write_text("time,bid,ask\n1738274500000,1.1000150,1.10003\n")
    finer = Instrument(symbol="EURUSD", price_precision=6, quantity_precision=2)
    opened = open_ticks(str(file), finer)
    assert opened is not None
    with pytest.raises(DataError, match="more than the 5 decimal places that the prices of the series have"):
        import_ticks(Keeping(tmp_path / "data", RESEARCH, now=0), opened, finer, file)


def test_a_price_that_comes_to_nothing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "small.csv"
    file.write_text("time,bid,ask\n1738274500000,0.000001,1.1\n")
    with pytest.raises(DataError, match=r"line 2: the price 1e-06 of the tick of .* is nothing in 5 decimal places"):
        bring_file_in(tmp_path / "data", str(file))


def test_what_breaks_off_in_the_middle_writes_nothing(tmp_path: Path) -> None:
    bring_in(tmp_path / "data", SOME)
    broken = write_file(tmp_path / "broken.csv", [*SOME, (10**9, 110_000, 110_001, 1.0), (10**9 + 5, 110_001, 5, 1.0)])
    with pytest.raises(DataError, match=r"line 8: the tick of .* has bid 1.10001 and ask 5e-05"):
        bring_file_in(tmp_path / "data", broken)
    assert read(tmp_path / "data") == SOME


def test_candles_serve_a_run_before_ticks_do(tmp_path: Path) -> None:
    catalog = tmp_path / "data"
    bring_in(catalog, SOME)
    ticks = catalog / "EURUSD" / TICK
    assert list_holdings([catalog]) == [Holding("EURUSD", "1m", ticks)]
    assert find_holding([catalog], "EURUSD", "30s", finest=True) == Holding("EURUSD", "30s", ticks)
    assert find_holding([catalog], "EURUSD", "1h", finest=True) == Holding("EURUSD", "1m", ticks)
    write(catalog, plain(3), timeframe="1h")
    hours = Holding("EURUSD", "1h", catalog / "EURUSD" / "1h")
    assert list_holdings([catalog]) == [hours]
    assert find_holding([catalog], "EURUSD", "4h", finest=True) == hours
    assert find_holding([catalog], "EURUSD", "5m") == Holding("EURUSD", "5m", ticks)
    assert find_holding([catalog], "EURUSD", "5m", finest=True) == Holding("EURUSD", "1m", ticks)
    assert find_holding([catalog], "EURUSD", None) == hours


def test_candles_that_are_kept_are_over(tmp_path: Path) -> None:
    bring_in(tmp_path / "data", SOME)
    keeping = Keeping(tmp_path / "data", RESEARCH, now=0)

    def resample() -> Imported:
        series = find_series(tmp_path / "data", "EURUSD", TICK)
        assert series is not None
        return resample_series(keeping, series, EURUSD, "1m")

    assert [resample().written.new, resample().written.new] == [2, 0]
    # The candle of 22:03 had begun, and gets another tick.
    bring_in(tmp_path / "data", [(200_000, 1_000, 1_001, 1.0), (300_000, 1_000, 1_001, 1.0)])
    assert resample().written.new == 1
    kept = through_the_contract(open_source(str(tmp_path / "data" / "EURUSD" / "1m"), EURUSD))
    assert [(row[0] - START) // MINUTE for row in kept] == [0, 1, 3]
    assert manifest(tmp_path / "data").origins[-1].source == "EURUSD tick"


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.jsonl"])
def test_what_goes_out_comes_in_again(tmp_path: Path, name: str) -> None:
    bring_in(tmp_path / "data", MANY[:500])
    ticks = CatalogTicks(tmp_path / "data" / "EURUSD" / TICK, EURUSD)
    assert export_rows(ticks.rows(), ticks.precision, tmp_path / name, "ticks") == 500
    bring_file_in(tmp_path / "again", str(tmp_path / name))
    assert read(tmp_path / "again") == MANY[:500]


def test_an_empty_range_leaves_no_file(tmp_path: Path) -> None:
    bring_in(tmp_path / "data", SOME)
    ticks = CatalogTicks(tmp_path / "data" / "EURUSD" / TICK, EURUSD, START + DAY)
    with pytest.raises(EmptyRangeError, match="ticks of EURUSD: nothing to export in this range"):
        export_rows(ticks.rows(), ticks.precision, tmp_path / "out.csv", "ticks of EURUSD")
    assert not (tmp_path / "out.csv").exists()
