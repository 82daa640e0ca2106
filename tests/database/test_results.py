"""A run in the database says what its files say, and is there as a whole or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from sptrader_stream.candles import ReadyCandles
from sptrader_stream.cli import execute
from sptrader_stream.database import results
from sptrader_stream.database.connection import Connection, connect
from sptrader_stream.database.results import store_run
from sptrader_stream.errors import ConfigError, StorageError
from sptrader_stream.execution.records import Fill
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.store.equity import read_equity
from sptrader_stream.store.journal import read_events
from sptrader_stream.workspace import create_workspace
from tests.actors.support import EURUSD, MONEY, Memory, make, one_chunk

# Goes in and out all the time, is refused now and then, and passes its limits.
STRATEGY = compile_strategy(
    """
name: everything
entries:
  - name: long
    when:
      - expr: close > shift(close, 1)
    action: buy
    size: 0.9
  - name: short
    when:
      - expr: close < shift(close, 2)
    action: sell
    size: 0.9
exit:
  signal_exit:
    when:
      - expr: close > shift(close, 3)
    action: close_all
  stop_loss: {type: percentage, value: 0.001}
risk: {daily_loss_limit: 0.002}
""",
    "everything.yaml",
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two instruments, in which everything happens."""
    folder = tmp_path_factory.mktemp("runs") / "first"
    pound = msgspec.structs.replace(EURUSD, symbol="GBPUSD", price_precision=3)
    candles = one_chunk(1_500)
    # Late enough that a fraction of a second is there to be kept: 123 nanoseconds are more than a timestamp has.
    odd = msgspec.structs.replace(candles, time=candles.time + 123)
    make(
        folder,
        [MarketSpec(EURUSD, Memory(odd)), MarketSpec(pound, Memory(_coarser(odd), symbol="GBPUSD"))],
        STRATEGY,
        capital=30 * MONEY,
    )
    return folder


def _coarser(candles: ReadyCandles) -> ReadyCandles:
    def cut(column: Any) -> Any:
        return column // 100

    return msgspec.structs.replace(
        candles,
        open=cut(candles.open),
        high=cut(candles.high),
        low=cut(candles.low),
        close=cut(candles.close),
        spread=None if candles.spread is None else cut(candles.spread),
    )


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    """Its result, every number a decimal."""
    found = json.loads((folder / "result.json").read_bytes(), parse_float=Decimal)
    assert isinstance(found, dict)
    return found


def rows(connection: Connection, table: str, order: str = "id") -> list[dict[str, Any]]:
    """A table without the run's id, floats as the decimals that JSON shows."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM sptrader.{table} ORDER BY {order}".encode())
        names = [each.name for each in cursor.description or ()]
        found = [dict(zip(names, row, strict=True)) for row in cursor]
    for each in found:
        del each["run_id"]
        for name, value in each.items():
            if isinstance(value, float):
                each[name] = Decimal(repr(value))
    return found


def moment(nanoseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)


def as_stored(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the result with decimals for amounts and both kinds of time, by its own means."""
    stored: dict[str, Any] = {}
    for name, value in row.items():
        if name.endswith("time"):
            # 1970-01-05T07:00:00.000000123Z
            whole, _, fraction = value.rstrip("Z").partition(".")
            seconds = int((datetime.fromisoformat(whole + "+00:00") - EPOCH).total_seconds())
            stored[f"{name}_ns"] = seconds * 10**9 + int(fraction.ljust(9, "0"))
            stored[name] = moment(stored[f"{name}_ns"])
        elif isinstance(value, str) and value.lstrip("-").replace(".", "", 1).isdigit():
            stored[name] = Decimal(value)
        else:
            stored[name] = value
    return stored


def without_ids(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    assert [each.pop("id") for each in found] == list(range(1, len(found) + 1))
    return found


def test_the_lists_of_the_result_are_tables(
    url: str, connection: Connection, folder: Path, document: dict[str, Any]
) -> None:
    stored = store_run(url, folder)
    trades, rejections, halts = (document[name] for name in ("completed_trades", "rejections", "halts"))
    assert min(len(trades), len(rejections), len(halts)) > 10
    assert rows(connection, "trades") == list(map(as_stored, trades))
    assert without_ids(rows(connection, "rejections")) == list(map(as_stored, rejections))
    assert without_ids(rows(connection, "halts")) == list(map(as_stored, halts))
    assert without_ids(rows(connection, "markets")) == list(map(as_stored, document["markets"]))
    assert (stored.run_id, stored.replaced) == ("first", False)
    assert stored.rows.items() >= {"trades": len(trades), "rejections": len(rejections), "halts": len(halts)}.items()


def test_fills_are_those_of_the_journal(url: str, connection: Connection, folder: Path) -> None:
    store_run(url, folder)
    fills = [each for each in read_events(folder) if isinstance(each, Fill)]
    assert without_ids(rows(connection, "fills")) == [
        {
            "time": moment(each.time),
            "time_ns": each.time,
            "position": each.position,
            "symbol": ("EURUSD", "GBPUSD")[each.instrument],
            "side": {1: "buy", -1: "sell"}[each.side],
            "rule": ("long", "short")[each.rule],
            "price": Decimal(each.price).scaleb(-(5, 3)[each.instrument]),
            "quantity": Decimal(each.quantity),
            "commission": Decimal(each.commission).scaleb(-8),
            "reason": each.reason,
        }
        for each in fills
    ]


def test_equity_is_that_of_the_file(url: str, connection: Connection, folder: Path) -> None:
    store_run(url, folder)
    pairs = np.fromfile(folder / "equity.bin", "<i8").reshape(-1, 2).tolist()
    found = without_ids(rows(connection, "equity"))
    assert len(found) > 100
    assert [(each["time_ns"], each["time"], each["equity"]) for each in found] == [
        (time, moment(time), Decimal(value).scaleb(-8)) for time, value in pairs
    ]


def test_metrics_and_daily_returns_are_those_of_the_result(
    url: str, connection: Connection, folder: Path, document: dict[str, Any]
) -> None:
    store_run(url, folder)
    metrics = dict(document["metrics"])
    days = metrics.pop("daily_returns")
    found = {each["name"]: each for each in rows(connection, "metrics", "name")}
    assert found.keys() == metrics.keys()
    since = metrics.pop("longest_drawdown_start")
    assert found["longest_drawdown_start"]["time"] == as_stored({"time": since})["time"]
    for name, value in metrics.items():
        assert found[name]["value"] == (None if value is None else Decimal(value)), name
    assert found["profit_factor"]["unit"] == "ratio"
    returns = rows(connection, "daily_returns", "day")
    assert [(str(each["day"]), each["value"]) for each in returns] == [(day, value) for day, value in days]


def test_the_run_itself_has_the_whole_head(
    url: str, connection: Connection, folder: Path, document: dict[str, Any]
) -> None:
    store_run(url, folder)
    (found,) = rows(connection, "runs", "run_id")
    head = found.pop("head")
    assert found.pop("stored_at") is not None
    columns = {name: document[name] for name in found if not name.endswith("_ns")}
    assert found == as_stored(columns) | {"strategy_version": document["strategy_version"]}
    lists = {"completed_trades", "ambiguous_trades", "rejections", "halts", "markets"}
    exact = json.loads((folder / "result.json").read_bytes())
    assert head == {name: value for name, value in exact.items() if name not in lists}


def test_the_profit_adds_up_in_sql(url: str, connection: Connection, folder: Path) -> None:
    store_run(url, folder)
    query = """
        SELECT sum(trades.pnl) = min(runs.total_pnl), count(*) = min(runs.total_trades)
        FROM sptrader.trades JOIN sptrader.runs USING (run_id)
    """
    assert connection.execute(query).fetchone() == (True, True)


def everything(connection: Connection) -> list[Any]:
    orders = {"markets": "id", "trades": "id", "fills": "id", "equity": "id", "metrics": "name", "daily_returns": "day"}
    return [rows(connection, table, order) for table, order in orders.items()]


def test_storing_again_replaces(url: str, connection: Connection, folder: Path) -> None:
    store_run(url, folder)
    first = everything(connection)
    connection.execute("DELETE FROM sptrader.trades WHERE id > 3")
    connection.execute("UPDATE sptrader.runs SET status = 'odd'")
    assert store_run(url, folder).replaced
    assert everything(connection) == first
    assert connection.execute("SELECT status FROM sptrader.runs").fetchall() == [("completed",)]


def test_other_runs_stay(url: str, connection: Connection, folder: Path, tmp_path: Path) -> None:
    make(tmp_path / "second", Memory(one_chunk(300)))
    store_run(url, folder)
    store_run(url, tmp_path / "second")
    store_run(url, folder)
    assert connection.execute("SELECT run_id FROM sptrader.runs ORDER BY run_id").fetchall() == [
        ("first",),
        ("second",),
    ]
    connection.execute("DELETE FROM sptrader.runs WHERE run_id = 'first'")
    left = connection.execute("SELECT DISTINCT run_id FROM sptrader.trades UNION SELECT run_id FROM sptrader.equity")
    assert left.fetchall() == [("second",)]


def test_a_connection_that_is_lost_leaves_what_was_there(
    url: str, connection: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_run(url, folder)
    before = everything(connection)

    def cut(place: Path) -> Iterator[Any]:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        # As often as it takes to notice.
        for _ in range(1000):
            yield from read_equity(place)

    monkeypatch.setattr(results, "read_equity", cut)
    with pytest.raises(StorageError, match=r"storing run first: the connection to the database was lost .* try again"):
        store_run(url, folder)
    assert everything(connection) == before


def test_programs_that_store_the_same_run_take_turns(url: str, connection: Connection, folder: Path) -> None:
    start = threading.Barrier(3)
    replaced: list[bool] = []

    def work() -> None:
        start.wait()
        replaced.append(store_run(url, folder).replaced)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(replaced) == [False, True, True]


def test_what_is_no_finished_run_is_refused(url: str, tmp_path: Path) -> None:
    make(tmp_path / "run", Memory(one_chunk(300)))
    (tmp_path / "run" / "result.json").unlink()
    with pytest.raises(StorageError, match=r"has no result\.json"):
        store_run(url, tmp_path / "run")


def test_a_database_without_the_schema_is_told(empty: str, folder: Path) -> None:
    with pytest.raises(ConfigError, match="run `sptrader db migrate`"):
        store_run(empty, folder)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    create_workspace(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


RUN = ["run", "ema_crossover", "--data", "synthetic", "--symbol", "EURUSD", "--timeframe", "1h", "--to", "2024-03-01"]


def test_a_run_is_stored_at_its_end_where_that_is_asked_for(
    url: str, workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert execute([*RUN, "--store", "database", "--json"]) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert captured.err.startswith(f"stored run {document['run_id']}: {document['total_trades']} trades, ")
    with connect(url) as connection:
        assert connection.execute("SELECT run_id, fingerprint FROM sptrader.runs").fetchall() == [
            (document["run_id"], document["fingerprint"])
        ]
    assert execute(["db", "store", "last", document["run_id"]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"replaced run {document['run_id']}"] * 2


def test_a_database_that_cannot_take_a_run_is_told_before_it_begins(
    empty: str, workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty)
    assert execute([*RUN, "--store", "database"]) == 2
    assert "run `sptrader db migrate`" in capsys.readouterr().err
    assert not (workspace / "backtests").exists()


def test_a_run_that_could_not_be_stored_says_how_to_try_again(
    url: str, workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setattr(results, "store_run", refused)
    assert execute([*RUN, "--store", "database"]) == 2
    (made,) = (workspace / "backtests").iterdir()
    assert (
        f"the disk is full. The run itself is in backtests/{made.name}: `sptrader db store" in capsys.readouterr().err
    )
