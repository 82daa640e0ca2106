"""What the words of `sptrader run` mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from sptrader_stream.cli.request import (
    Candles,
    RunRequest,
    check_out,
    choose_symbol,
    parse_capital,
    parse_data,
    parse_overrides,
)
from sptrader_stream.errors import UserError
from sptrader_stream.instruments import Instrument
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.rules.plan import StrategyPlan
from sptrader_stream.workspace import make_run_id

INSTRUMENTS = {each: Instrument(symbol=each, price_precision=5, quantity_precision=2) for each in ("EURUSD", "GBPUSD")}


def plan(symbol: str | None) -> StrategyPlan:
    head = f"symbol: {symbol}\n" if symbol else ""
    rule = "entry: {when: [{expr: close > open}], action: buy, size: 0.02}\n"
    return compile_strategy(f"name: any\n{head}{rule}", "any.yaml")


def make_file(data: str) -> None:
    if data != "synthetic":
        Path(data).parent.mkdir(exist_ok=True)
        Path(data).touch()


def test_overrides_are_names_and_values() -> None:
    assert parse_overrides(["stop_loss=0.01", " ma = ema "]) == {"stop_loss": "0.01", "ma": "ema"}


@pytest.mark.parametrize("word", ["stop_loss", "=0.01", "stop_loss=", " = "])
def test_an_override_without_name_or_value_is_refused(word: str) -> None:
    with pytest.raises(UserError, match="expected NAME=VALUE"):
        parse_overrides([word])


def test_an_override_given_twice_is_refused() -> None:
    with pytest.raises(UserError, match="fast is given twice"):
        parse_overrides(["fast=1", "fast=2"])


@pytest.mark.parametrize(
    ("text", "money"), [("10000", 10**12), ("10,000.5", 1_000_050_000_000), ("0.00000001", 1), ("1_000", 10**11)]
)
def test_capital_is_read_exactly(text: str, money: int) -> None:
    assert parse_capital(text) == money


@pytest.mark.parametrize("text", ["1,0", "1,00", "10,00.5", "1000,000", "0,500", "1.000,5", "1,000,", ",100"])
def test_a_comma_in_capital_only_separates_thousands(text: str) -> None:
    with pytest.raises(UserError, match=r"--capital: .* commas only separate thousands, as in 10,000\.50"):
        parse_capital(text)


@pytest.mark.parametrize("text", ["0", "-5", "ten", "nan", "1e30", "0.000000001"])
def test_capital_has_to_be_an_amount_above_zero(text: str) -> None:
    with pytest.raises(UserError, match="--capital"):
        parse_capital(text)


def test_the_run_id_tells_time_and_strategy() -> None:
    moment = datetime(2025, 3, 31, 16, 30, tzinfo=timezone(timedelta(hours=2)))
    first, second = (make_run_id("my strategy/x", moment) for _ in range(2))
    assert first.startswith("20250331T143000Z-my_strategy_x-")
    assert first != second
    assert make_run_id("z", moment) < make_run_id("a", datetime(2025, 4, 1, tzinfo=UTC))


def test_results_go_into_a_new_or_empty_folder_only(tmp_path: Path) -> None:
    assert check_out(tmp_path / "new") == tmp_path / "new"
    assert check_out(tmp_path) == tmp_path
    (tmp_path / "earlier.json").touch()
    with pytest.raises(UserError, match="not an empty folder"):
        check_out(tmp_path)
    with pytest.raises(UserError, match="not an empty folder"):
        check_out(tmp_path / "earlier.json")


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
