"""The page: what stands in its data, that it needs nothing else, and that text of the user's stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sptrader_stream.errors import StorageError
from sptrader_stream.events import Failure
from sptrader_stream.report import market as market_module
from sptrader_stream.report.page import make_page, write_page
from sptrader_stream.store.runs import read_record
from sptrader_stream.timeframes import HOUR
from tests.report.support import (
    EURUSD,
    HOURS,
    MONDAY,
    MONEY,
    TEXT,
    XAUUSD,
    embedded,
    fill,
    hourly,
    market,
    trade,
    write_candles,
    write_run,
    write_sample,
)

MILLISECOND = 10**6


class Outline(HTMLParser):
    """The elements of a page with their attributes, and its text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._hidden = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data


@pytest.fixture(scope="module")
def page(run_folder: Path) -> str:
    return make_page(read_record(run_folder))


@pytest.fixture(scope="module")
def data(page: str) -> dict[str, Any]:
    return embedded(page)


def traces(figure: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each for each in figure["data"]}


# Candles


def test_the_finest_candles_are_those_of_the_source(data: dict[str, Any]) -> None:
    (chart,) = data["markets"]
    finest = chart["levels"][0]
    candles = hourly()
    assert (chart["symbol"], finest["timeframe"], finest["span"]) == ("EURUSD", "1h", HOUR // MILLISECOND)
    assert finest["time"] == [each[0] // MILLISECOND for each in candles]
    for column, name in enumerate(("open", "high", "low", "close"), start=1):
        assert finest[name] == [each[column] / 10**5 for each in candles]


def test_a_coarser_level_is_small_enough_to_be_seen_whole(data: dict[str, Any]) -> None:
    *_, coarsest = data["markets"][0]["levels"]
    assert coarsest["timeframe"] == "4h"
    assert len(coarsest["time"]) == HOURS // 4 <= data["few"] < HOURS
    assert coarsest["high"][1] == max(each[2] for each in hourly()[4:8]) / 10**5


def test_indicators_are_those_of_the_rules(data: dict[str, Any]) -> None:
    """Beside prices what is a price, in a panel what is none; the values are plain averages of closes."""
    chart = data["markets"][0]
    names = [each["name"] for each in chart["figure"]["data"][1 : chart["operands"] + 1]]
    assert names == ["sma(5)", "sma(20)", "rsi(14)"]
    axes = [traces(chart["figure"])[each]["yaxis"] for each in names]
    assert axes == ["y", "y", "y2"]
    closes = [each[4] for each in hourly()]
    values = chart["levels"][0]["values"][0]
    assert values[:4] == [None] * 4
    assert values[4:] == pytest.approx([sum(closes[k - 4 : k + 1]) / 5e5 for k in range(4, HOURS)])


def test_trades_are_marked_where_they_happened(data: dict[str, Any]) -> None:
    found = traces(data["markets"][0]["figure"])

    def at(hour: int) -> int:
        return (MONDAY + hour * HOUR) // MILLISECOND

    assert (found["Long"]["x"], found["Long"]["y"]) == ([at(10), at(50)], [1.101, 1.102])
    assert (found["Short"]["x"], found["Short"]["y"]) == ([at(70)], [1.102])
    assert (found["Exit"]["x"], found["Exit"]["y"]) == ([at(30), at(60), at(80)], [1.109, 1.08, 1.103])
    assert (found["Profit"]["x"], found["Profit"]["y"]) == ([at(10), at(30), None], [1.101, 1.109, None])
    assert "same bar" in found["Exit"]["text"][1]
    # 2 % below a long's entry, above a short's.
    assert found["Stop"]["y"][::3] == [1.07898, 1.07996, 1.12404]
    assert found["Target"]["y"][0] == 1.13403


# The other charts


def test_equity_is_the_runs(data: dict[str, Any]) -> None:
    equity = traces(data["charts"]["equity"])["Equity"]
    assert equity["x"][:3] == [(MONDAY + k * HOUR) // MILLISECOND for k in range(3)]
    assert equity["y"][:3] == [100_000, 100_001, 100_002]
    assert equity["x"][-1] == (MONDAY + HOURS * HOUR) // MILLISECOND
    assert min(traces(data["charts"]["equity"])["Drawdown"]["y"]) == pytest.approx(-49 / 100_049, abs=1e-6)
    assert traces(data["charts"]["equity"])["Halt"]["text"] == ["max drawdown"]


def test_every_trade_is_in_one_bar_and_no_bar_has_gains_and_losses(data: dict[str, Any]) -> None:
    (bars,) = data["charts"]["profits"]["data"]
    assert sum(bars["y"]) == 3
    for count, (low, high) in zip(bars["y"], bars["customdata"], strict=True):
        assert high <= 1e-9 or low >= -1e-9
        assert count == sum(low <= each < high for each in (0.78, -4.4, -0.1))


def test_excursions_are_fractions_of_the_entry(data: dict[str, Any]) -> None:
    won = traces(data["charts"]["adverse"])["Profit"]
    assert won["x"] == [pytest.approx(110 / 110_100, abs=1e-8)]
    assert won["y"] == [pytest.approx(0.78 / 110.1, abs=1e-8)]
    assert traces(data["charts"]["favourable"])["Profit"]["x"] == [pytest.approx(800 / 110_100, abs=1e-8)]


def test_plotly_knows_all_that_is_asked_of_it(data: dict[str, Any]) -> None:
    from plotly.graph_objects import Figure

    figures = [*data["charts"].values(), data["markets"][0]["figure"]]
    assert len(figures) == 6
    for each in figures:
        Figure(each)


# Text


def test_the_page_tells_what_made_the_result_and_how_sure_it_is(page: str, run_folder: Path) -> None:
    record, text = read_record(run_folder), Outline(page).text
    for wanted in (
        record.head.fingerprint, record.started.strategy_digest, str(run_folder.parent / "EURUSD-1h.csv"), TEXT.strip(),
        "given for this run", "3 candles are <missing>", "2 of 3 trades (66.67%)", "stop_first", "insufficient funds",
    ):  # fmt: skip
        assert wanted in text, wanted


def test_monthly_returns_compound_the_days(run_folder: Path, page: str) -> None:
    daily = read_record(run_folder).head.metrics["daily_returns"]
    assert isinstance(daily, list)
    january = 1.0
    for day, value in daily:
        january *= 1 + value if day.month == 1 else 1
    (row,) = re.findall(r"<th scope=\"row\">2025</th>(.*?)</tr>", page)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row)
    assert cells[0] == f"{january - 1:z.2%}"
    assert len(cells) == 13
    assert cells[4:12] == [""] * 8


# On its own


def test_nothing_is_fetched(page: str) -> None:
    for tag, attributes in Outline(page).elements:
        assert not attributes.keys() & {"src", "srcset", "action"}, tag
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        assert (attributes.get("href") or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style


def test_only_the_pages_own_scripts_may_run(page: str) -> None:
    (policy,) = [each["content"] for tag, each in Outline(page).elements if tag == "meta" and "content" in each and
                 each.get("http-equiv")]  # fmt: skip
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 2
    assert "plotly.js" in scripts[0][:100]
    for each in scripts:
        assert f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" in policy


def test_what_the_user_wrote_stays_text(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script><!-- <b onload=x> & \u2028"
    folder = tmp_path / "a<img src=x>"
    folder.mkdir()
    write_candles(folder / "c.csv", hourly(), 5)
    text = TEXT.replace("name: crossing", f"# {evil}\nname: crossing")
    write_run(folder / "run", [market(EURUSD, folder / "c.csv")], [], text=text, name=evil)
    page = make_page(read_record(folder / "run"))
    outline = Outline(page)
    assert not [tag for tag, _ in outline.elements if tag in ("img", "b")]
    assert len([tag for tag, _ in outline.elements if tag == "script"]) == 3
    assert evil.strip() in outline.text
    assert str(folder) in outline.text
    assert "<!--" not in page
    assert embedded(page)["markets"][0]["levels"]


# Other runs


def test_without_the_source_there_is_a_page_without_candles(tmp_path: Path) -> None:
    write_candles(tmp_path / "c.csv", hourly(), 5)
    rows = [fill(1, 110_000, 100), trade(1, 9, 110_000, 110_100, 100, MONEY // 10)]
    write_run(tmp_path / "run", [market(EURUSD, tmp_path / "c.csv")], rows)
    (tmp_path / "c.csv").unlink()
    page = make_page(read_record(tmp_path / "run"))
    (chart,) = embedded(page)["markets"]
    assert chart["levels"] == []
    assert traces(chart["figure"])["Exit"]["y"] == [1.101]
    assert "has no candles and no indicators" in Outline(page).text
    assert "not there any more" in Outline(page).text


def test_equity_that_is_gone_is_told(tmp_path: Path) -> None:
    folder = write_sample(tmp_path)
    (folder / "equity.bin").unlink()
    with pytest.raises(StorageError, match=r"has no equity\.bin"):
        make_page(read_record(folder))


def test_a_source_that_has_changed_is_told(tmp_path: Path) -> None:
    write_candles(tmp_path / "c.csv", hourly(), 5)
    write_run(tmp_path / "run", [market(EURUSD, tmp_path / "c.csv")], [])
    # What comes after the run's last candle is none of the run's.
    write_candles(tmp_path / "c.csv", hourly(HOURS + 50), 5)
    page = make_page(read_record(tmp_path / "run"))
    assert "are not those that the run saw" not in Outline(page).text
    assert len(embedded(page)["markets"][0]["levels"][0]["time"]) == HOURS
    write_candles(tmp_path / "c.csv", hourly(HOURS, 110_001), 5)
    page = make_page(read_record(tmp_path / "run"))
    assert "has now are not those that the run saw: the chart shows what there is today" in Outline(page).text


def test_a_run_without_a_trade(tmp_path: Path) -> None:
    write_candles(tmp_path / "c.csv", hourly(), 5)
    write_run(tmp_path / "run", [market(EURUSD, tmp_path / "c.csv")], [])
    page = make_page(read_record(tmp_path / "run"))
    found = embedded(page)
    assert list(found["charts"]) == ["equity"]
    assert "There was no trade." in Outline(page).text
    assert not {"Long", "Short", "Exit"} & traces(found["markets"][0]["figure"]).keys()


def test_several_instruments_have_a_chart_each(tmp_path: Path) -> None:
    write_candles(tmp_path / "e.csv", hourly(), 5)
    write_candles(tmp_path / "x.csv", hourly(start=200_000), 2)
    rows = [
        trade(1, 9, 110_000, 110_100, 100, MONEY // 10),
        trade(2, 8, 200_000, 199_000, 50, -MONEY, position=2, instrument=1),
    ]
    markets = [market(EURUSD, tmp_path / "e.csv"), market(XAUUSD, tmp_path / "x.csv")]
    write_run(tmp_path / "run", markets, rows)
    page = make_page(read_record(tmp_path / "run"))
    first, second = embedded(page)["markets"]
    assert [first["symbol"], second["symbol"]] == ["EURUSD", "XAUUSD"]
    assert second["levels"][0]["open"][0] == 2_000.0
    assert (traces(first["figure"])["Exit"]["y"], traces(second["figure"])["Exit"]["y"]) == ([1.101], [1_990.0])
    options = [each["value"] for tag, each in Outline(page).elements if tag == "option"]
    assert options == ["0", "1"]


def test_the_page_does_not_grow_with_the_candles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sptrader_stream.report import reopened

    for module in (market_module, reopened):
        monkeypatch.setattr(module, "FEW", 40, raising=False)
        monkeypatch.setattr(module, "MOST", 100, raising=False)
    monkeypatch.setattr(reopened, "_LEAST_CANDLES", 80)
    write_candles(tmp_path / "c.csv", hourly(), 5)
    write_run(tmp_path / "run", [market(EURUSD, tmp_path / "c.csv")], [])
    levels = embedded(make_page(read_record(tmp_path / "run")))["markets"][0]["levels"]
    assert [(each["timeframe"], len(each["time"])) for each in levels] == [("1d", 90), ("1w", 13)]


def test_a_page_appears_whole_or_not_at_all(run_folder: Path, tmp_path: Path) -> None:
    write_page(read_record(run_folder), tmp_path / "page.html")
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text(encoding="utf-8").endswith("</html>\n")


@pytest.mark.parametrize("name", [".", "there"])
def test_a_folder_cannot_be_the_page(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StorageError, match="is a folder; name a file"):
        write_page(read_record(run_folder), Path(name))
    assert [each.name for each in tmp_path.iterdir()] == ["there"]


def test_a_run_that_failed_says_so_and_shows_the_candles_up_to_there(tmp_path: Path) -> None:
    """The finding that blocked the run does not keep the page from the candles before it."""
    candles = hourly()
    candles[1_500] = (candles[1_499][0], *candles[1_500][1:])
    write_candles(tmp_path / "c.csv", candles, 5)
    write_run(
        tmp_path / "run", [market(EURUSD, tmp_path / "c.csv")], [], equity=[100_000 * MONEY] * 1_500,
        policy={"duplicate": "block"}, failure=Failure("candle_feed", 1_499, "a <duplicate> time"),
    )  # fmt: skip
    page = make_page(read_record(tmp_path / "run"))
    assert "The run failed in candle_feed: a <duplicate> time" in Outline(page).text
    assert "has no candles" not in Outline(page).text
    assert len(embedded(page)["markets"][0]["levels"][0]["time"]) == 1_500
