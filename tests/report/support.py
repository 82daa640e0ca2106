"""Recorded runs, written by hand: what happened is chosen row by row, and what follows from it is known."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sptrader_stream.candles import up_to
from sptrader_stream.columns import Ints
from sptrader_stream.events import DataIssue, Executions, Failure, Market, Progress, Provenance, Reports, RunStarted
from sptrader_stream.execution import records as layout
from sptrader_stream.execution.records import RECORD_WIDTH, pack_head
from sptrader_stream.instruments import Instrument
from sptrader_stream.metrics.core import MetricsCore
from sptrader_stream.opening import open_source
from sptrader_stream.sources import digest
from sptrader_stream.sources.contract import RESEARCH
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.store.head import Bounds, Ending, Timing, make_head
from sptrader_stream.store.recording import Recording
from sptrader_stream.store.results import write_head, write_result
from sptrader_stream.timeframes import HOUR, format_time, parse_time

Policy = Literal["allow", "warn", "block"]

MONEY = 10**8
MONDAY = parse_time("2025-01-06")
HOURS = 24 * 90
EURUSD = Instrument(symbol="EURUSD", price_precision=5, quantity_precision=2)
XAUUSD = Instrument(symbol="XAUUSD", price_precision=2, quantity_precision=3)
_GAP = DataIssue("gap", "warn", "EURUSD", 3, ("2025-01-06T05:00:00Z",), "3 candles are <missing>")
TEXT = """
name: crossing
parameters:
  fast: 5
entry:
  when:
    - expr: crosses_above(sma(parameters.fast), sma(20)) and rsi(14) < 60
  action: buy
  size: 0.1
exit:
  stop_loss: {type: percentage, value: 0.02}
  take_profit: {type: percentage, value: 0.03}
"""


def hourly(count: int = HOURS, start: int = 110_000) -> list[tuple[int, int, int, int, int]]:
    """Candles: open time, open, high, low, close in ticks; the price goes to and fro."""
    candles = []
    for hour in range(count):
        open_ = start + (hour * 37) % 401
        close = start + ((hour + 1) * 37) % 401
        candles.append((MONDAY + hour * HOUR, open_, max(open_, close) + hour % 7, min(open_, close) - hour % 5, close))
    return candles


def write_candles(file: Path, candles: Sequence[tuple[int, int, int, int, int]], digits: int) -> None:
    lines = ["time,open,high,low,close,volume"]
    for time, *prices in candles:
        lines.append(",".join([format_time(time), *(f"{each / 10**digits:.{digits}f}" for each in prices), "1"]))
    file.write_text("\n".join(lines) + "\n")


def market(instrument: Instrument, file: Path) -> Market:
    status = file.stat()
    return Market(
        instrument=instrument, source=file.name, path=str(file), size=status.st_size, modified=status.st_mtime_ns,
        start=None, end=None,
    )  # fmt: skip


def _row(head: int, hour: int, **values: int) -> list[int]:
    row = [0] * RECORD_WIDTH
    row[layout.HEAD], row[layout.CANDLE], row[layout.TIME] = head, hour, MONDAY + hour * HOUR
    for name, value in values.items():
        row[getattr(layout, name.upper())] = value
    return row


def fill(hour: int, price: int, quantity: int, *, side: int = 1, position: int = 1, instrument: int = 0,
         reason: int = layout.REASON_ENTRY, commission: int = 0) -> list[int]:  # fmt: skip
    """A fill; without a reason it opens a position."""
    head = pack_head(layout.KIND_FILL, reason, side, 0, instrument, 0)
    return _row(head, hour, position=position, price=price, quantity=quantity, commission=commission)


def trade(entry_hour: int, hour: int, entry_price: int, price: int, quantity: int, pnl: int, *, side: int = 1,
          position: int = 1, instrument: int = 0, reason: int = layout.REASON_SIGNAL, assumption: int = 0,
          best: int | None = None, worst: int | None = None) -> list[int]:  # fmt: skip
    """A trade; best and worst price are its own unless given."""
    head = pack_head(layout.KIND_TRADE, reason, side, 0, instrument, assumption)
    own = sorted((entry_price, price), reverse=side > 0)
    return _row(
        head, hour, position=position, price=price, quantity=quantity, pnl=pnl, entry_candle=entry_hour,
        entry_time=MONDAY + entry_hour * HOUR, entry_price=entry_price,
        best=own[0] if best is None else best, worst=own[1] if worst is None else worst,
    )  # fmt: skip


def rejection(hour: int, reason: int) -> list[int]:
    return _row(pack_head(layout.KIND_REJECTION, reason, 1, 0, 0, 0), hour, price=110_000, quantity=5)


def halt(hour: int, equity: int, reference: int) -> list[int]:
    head = pack_head(layout.KIND_HALT, layout.REASON_MAX_DRAWDOWN, 0, 0, 0, 0)
    return _row(head, hour, halt_equity=equity, halt_reference=reference)


def write_run(
    folder: Path,
    markets: Sequence[Market],
    rows: Sequence[list[int]],
    *,
    equity: Sequence[int] | None = None,
    text: str = TEXT,
    name: str = "crossing",
    version: str = "1",
    issues: tuple[DataIssue, ...] = (),
    with_bounds: bool = False,
    overrides: dict[str, str] | None = None,
    policy: dict[str, Policy] | None = None,
    failure: Failure | None = None,
) -> RunStarted:
    """Write a run over ``HOURS`` hourly candles, or as many as there are values of equity, into a folder."""
    capital = 100_000 * MONEY
    values = [capital] * HOURS if equity is None else list(equity)
    started = RunStarted(
        run_id=folder.name, strategy=name, strategy_version=version, strategy_digest="d" * 64,
        strategy_file="crossing.yaml", strategy_text=text, overrides=overrides or {}, parameters={"fast": "5"},
        signals_folder=None, markets=list(markets), timeframe="1h", strategy_timeframe="1h", start_capital=capital,
        entry_rules=["entry"], exit_rules=[],
        data_policy={str(kind): each for kind, each in RESEARCH.items()} | (policy or {}),
    )  # fmt: skip
    records = np.array(rows, np.int64).reshape(-1)
    times = MONDAY + np.arange(len(values)) * HOUR
    core = MetricsCore(capital, HOUR)
    equities = np.array(values, np.int64)
    core.process(Executions(0, len(values), 0, times, equities, np.zeros(len(values), np.uint32), records))
    last = Progress(len(values), int(times[-1]), values[-1], 0, core.result().total_trades)
    found = core.result()
    with Recording(folder, started) as recording:
        recording.add(Reports(0, 3, times, equities, records, last))
        seen = tuple(_seen(each, times) for each in markets)
        ended = recording.end("failed" if failure else "completed", failure, issues, core.equity_checksum, seen)
    ending = Ending(
        metrics=found, bounds=Bounds(found, found) if with_bounds else None, generated=3,
        period=(int(times[0]), int(times[-1])), open_positions=[],
        timing=Timing(candles=len(values), startup_s=0.1, run_s=0.1, source_wait_s=0.0, candles_per_second=1.0),
    )  # fmt: skip
    write_head(folder, make_head(started, ended, ending))
    write_result(folder, 10)
    return started


def _seen(market: Market, times: Ints) -> Provenance:
    return Provenance(
        symbol=market.instrument.symbol, kind="csv", source=market.source, trust="user-supplied", retrieved_at=None,
        start=int(times[0]), end=int(times[-1]), candles=len(times), checksum=_checksum(market, int(times[-1])),
    )  # fmt: skip


def _checksum(market: Market, last: int) -> str:
    """Of the candles that the run would have seen, where there is such a file."""
    if not Path(market.path).is_file():
        return "c" * 32
    state = digest.new_state()
    spec = MarketSpec(market.instrument, open_source(market.path, market.instrument, timeframe="1h"))
    for chunk in up_to(spec.candles(RESEARCH), last):
        digest.add(chunk, state)
    return digest.checksum(state)


def write_sample(folder: Path) -> Path:
    """A run with three trades: a gain, a loss at the stop in a candle that had both levels, a short one at a gap."""
    write_candles(folder / "EURUSD-1h.csv", hourly(), 5)
    rows = [
        fill(10, 110_100, 10_000, commission=MONEY),
        fill(30, 110_900, 10_000, side=-1, reason=layout.REASON_TAKE_PROFIT, commission=MONEY),
        trade(10, 30, 110_100, 110_900, 10_000, 78 * MONEY // 100, reason=layout.REASON_TAKE_PROFIT, worst=109_990),
        rejection(40, layout.REJECTED_INSUFFICIENT_FUNDS),
        rejection(41, layout.REJECTED_INSUFFICIENT_FUNDS),
        fill(50, 110_200, 20_000, position=2),
        fill(60, 108_000, 20_000, side=-1, position=2, reason=layout.REASON_STOP_LOSS),
        trade(50, 60, 110_200, 108_000, 20_000, -440 * MONEY // 100, position=2, reason=layout.REASON_STOP_LOSS,
              assumption=layout.ASSUMED_SAME_BAR),
        fill(70, 110_200, 10_000, side=-1, position=3),
        fill(80, 110_300, 10_000, side=1, position=3, reason=layout.REASON_STOP_LOSS),
        trade(70, 80, 110_200, 110_300, 10_000, -MONEY // 10, side=-1, position=3, reason=layout.REASON_STOP_LOSS,
              assumption=layout.ASSUMED_GAP),
        halt(90, 99_000 * MONEY, 100_000 * MONEY),
    ]  # fmt: skip
    equity = [100_000 * MONEY + (hour % 50) * MONEY for hour in range(HOURS)]
    write_run(folder / "run", [market(EURUSD, folder / "EURUSD-1h.csv")], rows, equity=equity, issues=(_GAP,),
              with_bounds=True, overrides={"fast": "5"})  # fmt: skip
    return folder / "run"


def embedded(page: str) -> dict[str, Any]:
    """The data that the page brings along."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    data = json.loads(found)
    assert isinstance(data, dict)
    return data
