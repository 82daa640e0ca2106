"""Instruments: what ships, what a declaration may say, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sptrader_stream.errors import ConfigError
from sptrader_stream.execution.settings import Commission
from sptrader_stream.instruments import Instrument, find_instrument, load_instruments, normalise_symbol

SHIPPED = Path(__file__).parents[1] / "config" / "instruments.yaml"


def load(folder: Path, text: str) -> dict[str, Instrument]:
    path = folder / "instruments.yaml"
    path.write_text(text, encoding="utf-8")
    return load_instruments(path)


def test_shipped_instruments_are_exact_in_money() -> None:
    instruments = load_instruments(SHIPPED)

    assert {"EURUSD", "GBPUSD", "USDJPY", "EURJPY", "XAUUSD", "BTCUSD", "ETHUSD", "AAPL", "SPY"} <= instruments.keys()
    assert all(each.price_precision + each.quantity_precision <= 8 for each in instruments.values())
    assert instruments["EURUSD"] == Instrument(
        symbol="EURUSD", price_precision=5, quantity_precision=2, trading_hours="forex"
    )
    assert instruments["USDJPY"].price_precision == 3
    assert (instruments["BTCUSD"].price_precision, instruments["BTCUSD"].quantity_precision) == (2, 6)
    assert instruments["BTCUSD"].minimum_quantity == 10
    assert (instruments["AAPL"].price_precision, instruments["AAPL"].quantity_precision) == (2, 0)


def test_shipped_instruments_cost_nothing_by_default() -> None:
    for each in load_instruments(SHIPPED).values():
        assert (each.spread, each.slippage_ticks, each.slippage_percent, each.commission) == (0, 0, 0, Commission())


def test_a_full_declaration(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        """
        eur/usd:
          price_precision: 5
          lot: 0.01
          minimum: 0.5
          trading_hours: forex
          session: "-02:00"
          spread: data
          slippage: {ticks: 2, percent: 0.0001}
          commission: {percent: 0.001, per_unit: 0.005, per_order: 1, minimum: 2.5}
        """,
    )

    assert found == {
        "EURUSD": Instrument(
            symbol="EURUSD",
            price_precision=5,
            quantity_precision=2,
            minimum_quantity=50,
            trading_hours="forex",
            session=-7_200 * 10**9,
            spread=None,
            slippage_ticks=2,
            slippage_percent=10_000,
            commission=Commission(percent=100_000, per_unit=500_000, per_order=100_000_000, minimum=250_000_000),
        )
    }


@pytest.mark.parametrize(("lot", "digits"), [("1", 0), ("0.1", 1), ("0.01", 2), ("1e-6", 6), ("0.00000001", 8)])
def test_the_quantity_precision_follows_from_the_lot(tmp_path: Path, lot: str, digits: int) -> None:
    found = load(tmp_path, f"X: {{price_precision: 0, lot: {lot}}}")["X"]

    assert (found.quantity_precision, found.minimum_quantity) == (digits, 1)


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ("{lot: 1}", "X.price_precision: missing"),
        ("{price_precision: 2}", "X.lot: missing"),
        ("{price_precision: 2, lots: 1}", r"X.lots: unknown key \(did you mean lot\?\)"),
        ("{price_precision: 6, lot: 0.001}", "X.lot: price_precision 6 and the 3 decimal places of lot 0.001 add up"),
        ("{price_precision: 9, lot: 1}", "X.price_precision: 9 is out of range: expected at least 0 and at most 8"),
        ("{price_precision: 2.5, lot: 1}", "X.price_precision: 2.5 has more than 0 decimal places"),
        ("{price_precision: two, lot: 1}", "X.price_precision: 'two' is not a decimal number"),
        ("{price_precision: 2, lot: 0.02}", "X.lot: 0.02 is not a lot: expected 1 or a power of ten below it"),
        ("{price_precision: 2, lot: 10}", "X.lot: 10 is not a lot"),
        ("{price_precision: 2, lot: 0}", "X.lot: 0 is out of range"),
        ("{price_precision: 2, lot: -1}", "X.lot: -1 is out of range"),
        ("{price_precision: 2, lot: 0.1, minimum: 0.05}", "X.minimum: 0.05 has more than 1 decimal places"),
        ("{price_precision: 2, lot: 0.1, minimum: 0}", "X.minimum: 0 is out of range: expected at least 0.1"),
        ("{price_precision: 2, lot: 1, spread: wide}", "X.spread: 'wide' is not a decimal number; expected ticks or"),
        ("{price_precision: 2, lot: 1, spread: true}", "X.spread: expected ticks or 'data', found bool"),
        ("{price_precision: 2, lot: 1, spread: -1}", "X.spread: -1 is out of range"),
        ("{price_precision: 2, lot: 1, slippage: 2}", "X.slippage: expected a mapping with ticks, percent"),
        ("{price_precision: 2, lot: 1, slippage: {tick: 2}}", r"X.slippage.tick: .* \(did you mean ticks\?\)"),
        ("{price_precision: 2, lot: 1, commission: {percent: .nan}}", "X.commission.percent: nan is not a finite"),
        ("{price_precision: 2, lot: 1, commission: {percent: 1e-9}}", "X.commission.percent: .* more than 8 decimal"),
        (
            "{price_precision: 2, lot: 1, commission: {percent: 1}}",
            "X.commission.percent: 1 is out of range: .* below 1",
        ),
        ("{price_precision: 2, lot: 1, slippage: {percent: 2.5}}", "X.slippage.percent: 2.5 is out of range"),
        (
            "{price_precision: 2, lot: 1, session: 22:00}",
            "X.session: expected a time of day .*; put it in quotes",
        ),
        (
            "{price_precision: 2, lot: 1, session: '24:00'}",
            'X.session: .* such as "22:00" or "-02:00", found str',
        ),
        ("{price_precision: 2, lot: 1, session: '10pm'}", "X.session: expected a time of day in UTC"),
        ("{price_precision: 2, lot: 1, session: }", "X.session: expected a time of day in UTC .*, found nothing"),
        ("{price_precision: 2, lot: 1, trading_hours: fx}", "X.trading_hours: 'fx' is not one of always, forex, us_s"),
        ("5", "X: expected a mapping with price_precision, lot"),
        ("", "X: expected a mapping with .*, found nothing"),
    ],
)
def test_a_wrong_declaration_is_refused_with_file_and_key(tmp_path: Path, declaration: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, f"X: {declaration}")
    assert str(caught.value).startswith(str(tmp_path / "instruments.yaml"))


@pytest.mark.parametrize("lot", ["0.03", "0", "many", "1e-9"])
def test_a_wrong_lot_is_one_finding(tmp_path: Path, lot: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, f"X: {{price_precision: 2, minimum: 0.5, lot: {lot}}}")

    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["X.lot"]


@pytest.mark.parametrize(
    ("session", "minutes"), [('"22:00"', 22 * 60), ('"-02:30"', -150), ("-02:00", -120), ("00:00", 0), ("+05:30", 330)]
)
def test_a_day_begins_at_the_instruments_session(tmp_path: Path, session: str, minutes: int) -> None:
    found = load(tmp_path, f"X: {{price_precision: 0, lot: 1, session: {session}}}")["X"]

    assert found.session == minutes * 60 * 10**9


def test_costs_just_below_the_whole_are_taken(tmp_path: Path) -> None:
    found = load(tmp_path, "X: {price_precision: 2, lot: 1, commission: {percent: 0.99999999}}")["X"]

    assert found.commission == Commission(percent=99_999_999)


def test_all_findings_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "A: {lot: 1}\nB: {price_precision: 2, lot: 3}\na: {price_precision: 2, lot: 1}")

    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["A.price_precision", "B.lot"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping of symbols to instruments, found nothing"),
        ("- EURUSD", "expected a mapping"),
        ("X: {price_precision", "not valid YAML"),
        ("E*D: {price_precision: 1, lot: 1}", "is not a symbol"),
        ("X: {price_precision: 1, lot: 1}\nx: {price_precision: 1, lot: 1}", "x: X is declared twice"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the instruments: No such file"):
        load_instruments(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ConfigError, match="not a text file in UTF-8"):
        load_instruments(tmp_path / "bytes.yaml")


@pytest.mark.parametrize("spelling", ["EURUSD", "eurusd", "EUR/USD", "EUR_USD", "eur-usd", "EUR USD"])
def test_a_symbol_in_any_spelling(spelling: str) -> None:
    assert normalise_symbol(spelling) == "EURUSD"
    assert find_instrument(load_instruments(SHIPPED), spelling).symbol == "EURUSD"


def test_an_unknown_symbol_names_the_nearest_and_how_to_declare_it() -> None:
    with pytest.raises(ConfigError) as caught:
        find_instrument(load_instruments(SHIPPED), "EUR/USX", "mine.yaml")

    message = str(caught.value)
    assert message.startswith("mine.yaml: no instrument 'EUR/USX' (did you mean EURUSD?)")
    assert "EURUSX:\n    price_precision: 5\n    lot: 0.01" in message
