"""What the words of `sptrader run` mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from sptrader_stream.cli.request import check_out, parse_capital, parse_overrides
from sptrader_stream.errors import UserError
from sptrader_stream.workspace import make_run_id


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
