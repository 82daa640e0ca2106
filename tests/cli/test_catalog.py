"""`sptrader data`: bring candles in, see what there is, look it through, take it out, and run over it by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sptrader_stream.workspace import create_workspace
from tests.cli.support import Output, run
from tests.sources.samples import REAL

HEADER = "time,open,high,low,close,volume"


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new workspace, the current folder."""
    create_workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WS_MARKET_DATA_URL", raising=False)
    return tmp_path


def hours(count: int, first: int = 0) -> list[str]:
    """Lines of candles, an hour apart from a Monday on."""
    return [f"{1736121600 + 3600 * k},1.1{k:04d},1.2,1.0,1.1{k + 1:04d},5" for k in range(first, first + count)]


def write(name: str, lines: list[str]) -> str:
    Path(name).write_text("\n".join([HEADER, *lines]) + "\n")
    return name


def test_candles_come_in_once_and_more_of_them_later(capsys: Output) -> None:
    file = write("EURUSD-1h.csv", hours(30))
    line = "EURUSD 1h, 30 candles from 2025-01-06T00:00:00Z to 2025-01-07T05:00:00Z"
    assert run(capsys, "data", "import", file) == (0, f"{file}: {line}: 30 new\n", "")
    assert run(capsys, "data", "import", file) == (0, f"{file}: {line}: 0 new, 30 there already\n", "")
    more = write("more.csv", hours(30, 20))
    code, out, _ = run(capsys, "data", "import", more, "--symbol", "EUR/USD")
    assert (code, out.split(": ")[2]) == (0, "20 new, 10 there already\n")
    assert sorted(each.name for each in Path("data/EURUSD/1h").iterdir())[:1] == [".lock"]


def test_contradictions_end_it_with_the_candles_shown(capsys: Output) -> None:
    run(capsys, "data", "import", write("EURUSD-1h.csv", hours(5)))
    other = write("EURUSD 1h other.csv", [*hours(2), "1736128800,1.1,1.3,1.0,1.1,5"])
    code, out, err = run(capsys, "data", "import", other)
    assert (code, out) == (2, "")
    assert err.startswith(
        f"error: {other}: 1 candle contradicts what the catalog has of EURUSD 1h; nothing was written"
    )
    assert "  2025-01-06T02:00:00Z: open 1.10002, high 1.20000" in err
    assert run(capsys, "data", "import", other, "--replace")[1].endswith("0 new, 1 replaced, 2 there already\n")


def test_the_list_says_what_there_is(capsys: Output) -> None:
    assert run(capsys, "data", "list") == (
        0, "data has no candles yet: bring some in with `sptrader data import FILE`\n", ""
    )  # fmt: skip
    run(capsys, "data", "import", write("EURUSD-1h.csv", [*hours(5), *hours(5, 8)]))
    run(capsys, "data", "import", write("GBPUSD-1h.csv", hours(7)))
    _, out, _ = run(capsys, "data", "list")
    assert [" ".join(line.split()) for line in out.splitlines()] == [
        "symbol timeframe rows first last missing trust",
        "EURUSD 1h 10 2025-01-06T00:00:00Z 2025-01-06T12:00:00Z 3 in 1 gaps user-supplied",
        "GBPUSD 1h 7 2025-01-06T00:00:00Z 2025-01-06T06:00:00Z 0 in 0 gaps user-supplied",
    ]
    found = json.loads(run(capsys, "data", "list", "--json")[1])
    assert [(each["symbol"], each["rows"], each["origins"][0]["source"]) for each in found] == [
        ("EURUSD", 10, "EURUSD-1h.csv"), ("GBPUSD", 7, "GBPUSD-1h.csv"),
    ]  # fmt: skip


def test_a_check_shows_findings_and_a_calendar(capsys: Output) -> None:
    run(capsys, "data", "import", write("EURUSD-1h.csv", [*hours(5), *hours(5, 8)]))
    code, out, _ = run(capsys, "data", "check")
    assert code == 0
    assert out.splitlines() == [
        "EURUSD 1h: 10 candles",
        "  gap: 1 gap, 3 candles missing in all: kept (first 2025-01-06T08:00:00Z)",
        "  month      candles   gaps   missing  complete",
        "  2025-01         10      1         3     76.9%  ███████████████",
        "  3 missing from 2025-01-06T05:00:00Z to 2025-01-06T08:00:00Z",
    ]


def test_a_file_can_be_checked_before_it_is_brought_in(capsys: Output) -> None:
    file = write("EURUSD-1h.csv", [*hours(3), "1736132400,1.1,1.0,1.2,1.1,5", *hours(3, 5)])
    code, out, _ = run(capsys, "data", "check", file)
    assert code == 0
    assert "  range: 1 candle has an open or close outside of low to high: left out (first 2025-01-06T03:00:00Z)" in out
    assert not Path("data").exists()


def test_a_series_without_findings_can_be_vouched_for(capsys: Output) -> None:
    run(capsys, "data", "import", write("EURUSD-1h.csv", hours(5)))
    assert "trust: verified" in run(capsys, "data", "check", "EURUSD", "--verified")[1]
    assert "verified" in run(capsys, "data", "list")[1]


def test_a_damaged_file_is_found(capsys: Output) -> None:
    run(capsys, "data", "import", write("EURUSD-1h.csv", hours(5)))
    (file,) = Path("data/EURUSD/1h").glob("2025-01-*.parquet")
    file.write_bytes(file.read_bytes()[:-20])
    code, out, _ = run(capsys, "data", "check", "EURUSD")
    assert code == 2
    assert out == f"EURUSD 1h: {file} is gone, or not what was written: remove it and import its month again\n"


def test_what_the_catalog_has_needs_no_data_option(capsys: Output) -> None:
    file = str(REAL)
    run(capsys, "data", "import", file)
    by_file = json.loads(run(capsys, "run", "ma_crossover_strategy", "--data", file, "--json")[1])
    by_name = json.loads(run(capsys, "run", "ma_crossover_strategy", "--json")[1])
    assert by_name["fingerprint"] == by_file["fingerprint"]
    assert by_name["source"] == "data/EURUSD/1m"
    named = json.loads(run(capsys, "run", "ma_crossover_strategy", "--data", "EURUSD=catalog", "--json")[1])
    assert named["fingerprint"] == by_file["fingerprint"]
    path = json.loads(run(capsys, "run", "ma_crossover_strategy", "--data", "data/EURUSD/1m", "--json")[1])
    assert path["fingerprint"] == by_file["fingerprint"]
    # A coarser series that was kept changes no result: fills stay those of the finest candles.
    run(capsys, "data", "resample", "EURUSD", "1h")
    again = json.loads(run(capsys, "run", "ma_crossover_strategy", "--json")[1])
    assert again["fingerprint"] == by_file["fingerprint"]


def test_a_run_over_the_catalog_can_be_explained_from_anywhere(
    capsys: Output, workspace: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capsys, "data", "import", str(REAL))
    run(capsys, "run", "ma_crossover_strategy")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    code, out, err = run(capsys, "why", "last", "--near", "2", "--workspace", str(workspace))
    assert (code, err) == (0, "")
    assert out
    run(capsys, "data", "import", str(REAL), "--workspace", str(workspace), "--timeframe", "5m")
    code, _, err = run(capsys, "why", "last", "--near", "2", "--workspace", str(workspace))
    assert (code, err) == (0, "")


def test_candles_that_are_not_there_are_told_with_what_is(capsys: Output) -> None:
    run(capsys, "data", "import", write("EURUSD-1h.csv", hours(5)))
    code, _, err = run(capsys, "run", "ma_crossover_strategy", "--data", "catalog", "--timeframe", "1m")
    assert code == 2
    assert err == (
        "error: the catalog data has EURUSD only in 1h, which do not make up 1m: bring some in with "
        "`sptrader data import FILE --symbol EURUSD`\n"
    )
    code, _, err = run(capsys, "run", "ma_crossover_strategy", "--data", "catalog", "--symbol", "GBPUSD")
    assert (code, "the catalog data has no candles of GBPUSD: bring" in err) == (2, True)
    code, _, err = run(capsys, "data", "check", "GBPUSD")
    assert (code, err) == (2, "error: data has no candles of GBPUSD: see `sptrader data list`\n")


def test_resampling_keeps_what_runs_build_anyway(capsys: Output) -> None:
    run(capsys, "data", "import", str(REAL))
    code, out, _ = run(capsys, "data", "resample", "EURUSD", "4h")
    assert (code, out) == (
        0,
        "from EURUSD 1m: EURUSD 4h, 865 candles from 2025-01-01T20:00:00Z to 2025-11-30T20:00:00Z: 865 new\n",
    )
    strategy = Path("strategies/ma_crossover_strategy.yaml")
    strategy.write_text(strategy.read_text().replace("timeframe: 1h", "timeframe: 4h"))
    words = ("run", "ma_crossover_strategy", "--timeframe", "4h", "--json", "--data")
    kept, built = (json.loads(run(capsys, *words, data)[1]) for data in ("data/EURUSD/4h", "data/EURUSD/1m"))
    # The gaps are those of the candles that were read.
    assert kept["completed_trades"] == built["completed_trades"] != []
    assert run(capsys, "data", "resample", "EURUSD", "1m")[2] == (
        "error: data has no candles of EURUSD that are finer than 1m and make it up: see `sptrader data list`\n"
    )


def test_what_goes_out_comes_in_again(capsys: Output) -> None:
    run(capsys, "data", "import", str(REAL))
    code, out, _ = run(capsys, "data", "export", "EURUSD", "out.csv", "--from", "2025-07-01", "--to", "2025-07-31")
    assert (code, out) == (0, "out.csv: 27,185 candles of EURUSD 1m\n")
    line = "out.csv: EURUSD 1m, 27,185 candles from 2025-07-02T00:00:00Z to 2025-07-31T22:59:00Z: 0 new, 27,185 there "
    assert run(capsys, "data", "import", "out.csv", "--symbol", "EURUSD")[1] == f"{line}already\n"
    code, out, _ = run(capsys, "data", "export", "EURUSD", "hours.jsonl", "--timeframe", "1h")
    assert (code, out) == (0, "hours.jsonl: 3,207 candles of EURUSD 1h\n")


def test_fetching_needs_a_server(capsys: Output) -> None:
    code, _, err = run(capsys, "data", "fetch", "EURUSD")
    assert (code, err.startswith("error: which market-data server? Set WS_MARKET_DATA_URL")) == (2, True)


TICKS = ["time,bid,ask", *(f"{1736121600000 + 20_000 * k},1.1{k:04d},1.2" for k in range(10))]


def test_ticks_come_in_and_make_candles(capsys: Output) -> None:
    Path("EURUSD.csv").write_text("\n".join(TICKS) + "\n")
    span = "EURUSD 10 ticks from 2025-01-06T00:00:00Z to 2025-01-06T00:03:00Z"
    assert run(capsys, "data", "import", "EURUSD.csv") == (0, f"EURUSD.csv: {span}: 10 new\n", "")
    code, out, _ = run(capsys, "data", "list")
    assert (code, out.splitlines()[1].split()[:3]) == (0, ["EURUSD", "tick", "10"])
    assert run(capsys, "data", "check", "EURUSD")[1].startswith(
        "EURUSD, 10 ticks as 1m: 3 candles\n  nothing was found"
    )
    assert run(capsys, "data", "resample", "EURUSD", "1m")[1].startswith("from EURUSD tick: EURUSD 1m, 3 candles")
    assert run(capsys, "data", "export", "EURUSD", "a.csv", "--timeframe", "tick")[1] == "a.csv: 10 ticks of EURUSD\n"
    assert Path("a.csv").read_text().splitlines()[1] == "2025-01-06 00:00:00.000000000Z,1.10000,1.20000,1"
    assert run(capsys, "data", "check", "EURUSD", "--timeframe", "tick", "--verified")[1].endswith("trust: verified\n")


def test_resampling_again_takes_what_has_come_since(capsys: Output) -> None:
    Path("EURUSD.csv").write_text("\n".join(TICKS) + "\n")
    run(capsys, "data", "import", "EURUSD.csv")
    code, _, err = run(capsys, "data", "resample", "EURUSD", "1h")
    assert (code, err) == (2, "error: data/EURUSD/tick: no 1h candle is whole: nothing was written\n")
    assert run(capsys, "data", "resample", "EURUSD", "1m")[1].endswith("3 new\n")
    more = [f"{1736121600000 + 20_000 * k},1.1{k:04d},1.2" for k in range(10, 40)]
    Path("more.csv").write_text("\n".join([TICKS[0], *more]) + "\n")
    run(capsys, "data", "import", "more.csv", "--symbol", "EURUSD")
    assert run(capsys, "data", "resample", "EURUSD", "1m")[1].endswith("10 new, 3 there already\n")
    assert run(capsys, "data", "resample", "EURUSD", "5m")[1].startswith("from EURUSD 1m: EURUSD 5m, 2 candles")
    code, _, err = run(capsys, "data", "export", "GBPUSD", "a.csv", "--timeframe", "tick")
    assert (code, err) == (2, "error: data has no ticks of GBPUSD: see `sptrader data list`\n")


def test_ticks_become_candles_where_these_are_named(capsys: Output) -> None:
    Path("EURUSD-1m.csv").write_text("\n".join(TICKS) + "\n")
    assert "EURUSD 1m, 4 candles" in run(capsys, "data", "import", "EURUSD-1m.csv")[1]
    assert "EURUSD 10 ticks" in run(capsys, "data", "import", "EURUSD-1m.csv", "--timeframe", "tick")[1]
    hour = write("EURUSD-1h.csv", hours(3))
    code, _, err = run(capsys, "data", "import", hour, "--timeframe", "tick")
    assert (code, err) == (2, f"error: {hour}: holds no ticks: no columns `bid` and `ask` without an `open`\n")


def test_a_run_takes_candles_of_ticks_where_there_are_no_others(capsys: Output) -> None:
    Path("EURUSD.csv").write_text("\n".join(TICKS) + "\n")
    run(capsys, "data", "import", "EURUSD.csv")
    code, out, _ = run(capsys, "run", "ma_crossover_strategy", "--symbol", "EURUSD", "--json")
    assert (code, json.loads(out)["timeframe"]) == (0, "1m")
    code, out, _ = run(capsys, "run", "ma_crossover_strategy", "--symbol", "EURUSD", "--json", "--timeframe", "30s")
    assert (code, json.loads(out)["timeframe"]) == (0, "30s")
