"""What the words of a command line about candles mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from sptrader_stream.cli.candles import Candles, choose_symbol, parse_data
from sptrader_stream.cli.request import RunRequest
from sptrader_stream.errors import UserError
from sptrader_stream.instruments import Instrument
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.rules.plan import StrategyPlan

INSTRUMENTS = {each: Instrument(symbol=each, price_precision=5, quantity_precision=2) for each in ("EURUSD", "GBPUSD")}


def plan(symbol: str | None) -> StrategyPlan:
    head = f"symbol: {symbol}\n" if symbol else ""
    rule = "entry: {when: [{expr: close > open}], action: buy, size: 0.02}\n"
    return compile_strategy(f"name: any\n{head}{rule}", "any.yaml")


def make_file(data: str) -> None:
    if data != "synthetic":
        Path(data).parent.mkdir(exist_ok=True)
        Path(data).touch()


@pytest.mark.parametrize(
    ("data", "asked", "strategys", "chosen"),
    [
        ("synthetic", None, "EURUSD", "EURUSD"),
        ("synthetic", "GBPUSD", "EURUSD", "GBPUSD"),
        ("data/GBPUSD-1m.parquet", None, "EURUSD", "GBPUSD"),
        ("candles.csv", "eur/usd", None, "eur/usd"),
    ],
)
def test_the_instrument_is_what_the_user_says_or_the_candles_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str, asked: str | None, strategys: str | None, chosen: str
) -> None:
    monkeypatch.chdir(tmp_path)
    make_file(data)
    assert choose_symbol(Candles(asked, data), plan(strategys), INSTRUMENTS) == chosen


@pytest.mark.parametrize(
    ("data", "strategys"), [("synthetic", None), ("candles.csv", "EURUSD"), ("XXXYYY-1m.csv", "EURUSD")]
)
def test_an_instrument_is_never_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str, strategys: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    make_file(data)
    with pytest.raises(UserError, match="--symbol EURUSD"):
        choose_symbol(Candles(None, data), plan(strategys), INSTRUMENTS)


def read(*data: str, symbol: str | None = None) -> list[Candles]:
    return parse_data(RunRequest(strategy="any", data=data, symbol=symbol))


def test_data_may_name_its_symbol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read("a.csv") == [Candles(None, "a.csv")]
    assert read("a.csv", symbol="EURUSD") == [Candles("EURUSD", "a.csv")]
    assert read("EURUSD=a.csv", "gbp/usd=synthetic", "GBPUSD-1m.csv") == [
        Candles("EURUSD", "a.csv"),
        Candles("gbp/usd", "synthetic"),
        Candles(None, "GBPUSD-1m.csv"),
    ]
    monkeypatch.chdir(tmp_path)
    Path("a=b.csv").touch()
    assert read("a=b.csv", "EURUSD=a=b.csv") == [Candles(None, "a=b.csv"), Candles("EURUSD", "a=b.csv")]


@pytest.mark.parametrize("word", ["EURUSD=", "=a.csv", " = "])
def test_data_that_names_half_of_it_is_refused(word: str) -> None:
    with pytest.raises(UserError, match="expected SYMBOL=FILE"):
        read(word)


def test_a_symbol_is_said_once() -> None:
    with pytest.raises(UserError, match="--symbol is for one --data"):
        read("a.csv", "b.csv", symbol="EURUSD")
    with pytest.raises(UserError, match="both name the symbol"):
        read("EURUSD=a.csv", symbol="EURUSD")
