"""Recorded runs in a notebook: trades, fills, equity and the rest as pandas objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sptrader_stream.metrics.summary import METRICS
from sptrader_stream.money import MONEY_DIGITS, format_money
from sptrader_stream.report.exports import read_trade_rows
from sptrader_stream.report.numbers import metric_text
from sptrader_stream.store.equity import read_equity
from sptrader_stream.store.head import MetricValue
from sptrader_stream.store.journal import read_events
from sptrader_stream.store.rows import (
    FillRow,
    HaltRow,
    RejectionRow,
    TradeRow,
    fill_rows,
    halt_rows,
    rejection_rows,
)
from sptrader_stream.store.runs import find_run, read_record
from sptrader_stream.workspace import open_workspace

if TYPE_CHECKING:
    import pandas as pd

Amount = Callable[[str], float | Decimal]

_TIMES: Final = ("time", "entry_time", "exit_time")
_AMOUNTS: Final = (
    "entry_price", "exit_price", "price", "quantity", "pnl", "pnl_percent", "commission", "mae", "mfe", "equity",
    "reference",
)  # fmt: skip
_SHOWN: Final = ("total_pnl", "total_return", "max_drawdown", "total_trades", "win_rate", "sharpe_ratio")


class LoadedRun:
    """A recorded run; each attribute is read when it is first asked for.

    Times are UTC. Prices, quantities and money are ``float64``, which is for analysis; a run that was loaded with
    ``exact=True`` has them as ``decimal.Decimal``, digit for digit.

    Attributes:
        folder: where the run is.
        metrics: by name as ``sptrader_stream.metrics.summary.METRICS`` lists them, money as ``float`` or ``Decimal``,
            shares as fractions, durations in hours.
        settings: what was run: strategy, parameters, markets, start capital and the rest.
    """

    def __init__(self, folder: Path, *, exact: bool = False) -> None:
        """Open a run's folder; see :func:`load`."""
        self._record = read_record(folder)
        self._amount: Amount = Decimal if exact else float
        self.folder = folder
        head = self._record.head
        self.metrics: dict[str, Any] = {
            name: self._metric(name, head.metrics[name]) for name, info in METRICS.items() if info.unit != "series"
        }
        started = self._record.started
        self.settings: dict[str, Any] = {
            "run_id": started.run_id,
            "status": head.status,
            "strategy": started.strategy,
            "strategy_version": started.strategy_version,
            "strategy_text": started.strategy_text,
            "parameters": dict(started.parameters),
            "symbols": [each.instrument.symbol for each in started.markets],
            "sources": [each.path or each.source for each in started.markets],
            "timeframe": started.timeframe,
            "strategy_timeframe": started.strategy_timeframe,
            "start_capital": self._amount(head.start_capital),
            "fingerprint": head.fingerprint,
        }

    @cached_property
    def trades(self) -> pd.DataFrame:
        """Closed positions and parts of them, by ``exit_time``; columns as in ``completed_trades`` of the result."""
        return self._frame(TradeRow, read_trade_rows(self.folder, self._record.started), "exit_time")

    @cached_property
    def fills(self) -> pd.DataFrame:
        """Every fill, by ``time``: an entry or an exit, with its price, quantity and commission."""
        return self._frame(FillRow, fill_rows(read_events(self.folder), self._record.started), "time")

    @cached_property
    def rejections(self) -> pd.DataFrame:
        """Entries that could not be made, by ``time``, and why."""
        return self._frame(RejectionRow, rejection_rows(read_events(self.folder), self._record.started), "time")

    @cached_property
    def halts(self) -> pd.DataFrame:
        """Limits that were passed, by ``time``."""
        return self._frame(HaltRow, halt_rows(read_events(self.folder)), "time")

    @cached_property
    def equity(self) -> pd.Series[Any]:
        """Equity after each candle at which it changed, by the candle's open time; between them it stays."""
        import numpy as np
        import pandas as pd

        pieces = list(read_equity(self.folder))
        times, values = (np.concatenate([np.empty(0, np.int64), *(piece[k] for piece in pieces)]) for k in (0, 1))
        index = pd.DatetimeIndex(times.astype("datetime64[ns]"), tz="UTC", name="time")
        if self._amount is float:
            return pd.Series(values / 10**MONEY_DIGITS, index, name="equity")
        return pd.Series([Decimal(format_money(each)) for each in values.tolist()], index, name="equity", dtype=object)

    @cached_property
    def daily_returns(self) -> pd.Series[Any]:
        """Return of each day that had candles, a fraction, by its midnight."""
        import pandas as pd

        found = self._record.head.metrics["daily_returns"]
        days = found if isinstance(found, list) else []
        index = pd.DatetimeIndex([day for day, _ in days], tz="UTC", name="day").as_unit("ns")
        return pd.Series([value for _, value in days], index, name="daily_return", dtype="float64")

    def __repr__(self) -> str:
        started, head = self._record.started, self._record.head
        shown = ", ".join(f"{METRICS[name].title} {metric_text(head, name)}" for name in _SHOWN)
        name = f"{started.strategy} {started.strategy_version}".rstrip()
        span = "no candles" if head.start_time is None else f"{head.start_time} to {head.end_time}"
        return (
            f"{started.run_id} ({head.status})\n"
            f"  {name} on {head.symbol} {started.timeframe}, {span}\n"
            f"  {shown}\n"
            "  .trades .fills .rejections .halts .equity .daily_returns .metrics .settings"
        )

    def _frame(self, kind: type[msgspec.Struct], rows: Iterable[msgspec.Struct], by: str) -> pd.DataFrame:
        """Put rows of exact text into a frame whose index is one of their times."""
        import pandas as pd

        columns: dict[str, list[Any]] = {name: [] for name in kind.__struct_fields__}
        appends = [each.append for each in columns.values()]
        for row in rows:
            for append, value in zip(appends, msgspec.structs.astuple(row), strict=True):
                append(value)
        frame = pd.DataFrame(
            {
                name: pd.Series(list(map(self._amount, values)), dtype="float64" if self._amount is float else object)
                if name in _AMOUNTS
                else values
                for name, values in columns.items()
            }
        )
        for name in _TIMES:
            if name in frame:
                frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601").astype("datetime64[ns, UTC]")
        return frame.set_index(by)

    def _metric(self, name: str, value: MetricValue) -> Any:
        return self._amount(value) if METRICS[name].unit == "money" and isinstance(value, str) else value


def load(run: str | Path = "last", *, exact: bool = False, workspace: str | Path | None = None) -> LoadedRun:
    """Open a recorded run.

    Args:
        run: the name of its folder in the workspace's ``backtests``, a path, or ``last`` for the newest.
        exact: give prices, quantities and money as ``decimal.Decimal``, not as floats.
        workspace: a folder; by default the current one.

    Raises:
        UserError: there is no such run, or it is not over.
    """
    home = open_workspace(None if workspace is None else Path(workspace))
    return LoadedRun(find_run(home.backtests, str(run)), exact=exact)
