"""From a request to a run's specification: where its candles come from, and which field is wrong where none do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from actors.spec import RunSpec
from sptrader_stream.errors import UserError
from sptrader_stream.server.documents import RunRequest
from sptrader_stream.server.library import CandleLibrary
from sptrader_stream.server.request_errors import RequestError, UnknownStrategyError, UnknownSymbolError
from sptrader_stream.server.runs.ordering import make_server_spec
from sptrader_stream.server.settings import ServerSettings
from sptrader_stream.workspace import Workspace, create_workspace
from tests.catalog.series import write
from tests.plain_candles import plain


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose catalog has EURUSD in 1m."""
    monkeypatch.delenv("WS_MARKET_DATA_URL", raising=False)
    create_workspace(tmp_path)
    write(tmp_path / "data", plain(600))
    return Workspace(tmp_path)


def spec(workspace: Workspace, settings: ServerSettings | None = None, **fields: Any) -> RunSpec:
    """The specification of a run of a strategy for EURUSD in 1h."""
    settings = settings or ServerSettings()
    request = RunRequest(**{"strategy_name": "ma_crossover_strategy", **fields})
    return make_server_spec(request, workspace=workspace, library=CandleLibrary(workspace, settings), settings=settings)


def sources(found: RunSpec) -> list[tuple[str, str, str | None]]:
    return [(each.source.info.kind, each.source.info.timeframe, each.source.info.built_from) for each in found.markets]


def test_the_strategys_own_timeframe_is_run_on_the_finest_candles(workspace: Workspace) -> None:
    write(workspace.data, plain(3, step=3600 * 10**9), timeframe="1h")
    assert sources(spec(workspace)) == [("catalog", "1m", None)]
    assert sources(spec(workspace, timeframe="1h")) == [("catalog", "1m", None)]
    assert sources(spec(workspace, data="catalog")) == [("catalog", "1m", None)]


def test_another_timeframe_is_built(workspace: Workspace) -> None:
    assert sources(spec(workspace, timeframe="5m")) == [("catalog", "5m", "1m")]


def test_synthetic_candles_stand_in_where_the_settings_say_so(workspace: Workspace) -> None:
    assert sources(spec(workspace, symbol="GBPUSD")) == [("synthetic", "1h", None)]
    assert sources(spec(workspace, symbol=["EURUSD", "GBPUSD"], timeframe="5m")) == [
        ("catalog", "5m", "1m"), ("synthetic", "5m", None),
    ]  # fmt: skip
    with pytest.raises(UnknownSymbolError, match="this server has no candles of GBPUSD for 1h"):
        spec(workspace, ServerSettings(default_source="none"), symbol="GBPUSD")
    with pytest.raises(UnknownSymbolError, match="this server has no candles of GBPUSD for 1h"):
        spec(workspace, symbol="GBPUSD", data="catalog")


def test_paper_says_that_candles_are_from_a_file_of_somebodys(workspace: Workspace) -> None:
    found = spec(workspace, execution_mode="paper")
    assert (found.execution_mode, [each.kind for each in found.warnings]) == ("paper", ["trust"])
    assert found.data_policy["gap"] == "block"
    assert spec(workspace).warnings == ()


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"initial_capital": Decimal(0)}, "initial_capital"),
        ({"start_date": "soon"}, "start_date"),
        ({"start_date": "2025-02-01", "end_date": "2025-01-01"}, "end_date"),
        ({"timeframe": "1x"}, "timeframe"),
        ({"symbol": ["EURUSD", "eurusd"]}, "symbol"),
        ({"symbol": "EURUSX"}, "symbol"),
        ({"symbol": []}, "symbol"),
        ({"data": {}}, "data"),
        ({"data": {"EURUSD": "catalog"}, "symbol": "GBPUSD"}, "data"),
        ({"data": "../secret.csv"}, "data"),
        ({"execution_mode": "live"}, "execution_mode"),
        ({"execution_mode": "paper", "data": "synthetic"}, "data"),
        ({"parameters": {"stop_loss": "much"}}, "parameters.stop_loss"),
    ],
)
def test_the_field_that_is_wrong_is_named(workspace: Workspace, fields: dict[str, Any], path: str) -> None:
    with pytest.raises(RequestError) as caught:
        spec(workspace, **fields)
    assert [each.path for each in caught.value.errors] == [path]


def test_a_strategy_that_is_not_there_is_told_with_the_nearest(workspace: Workspace) -> None:
    with pytest.raises(UnknownStrategyError, match="ma_crossover_strategy") as caught:
        spec(workspace, strategy_name="ma_crossover_strateg")
    assert isinstance(caught.value, UserError)
