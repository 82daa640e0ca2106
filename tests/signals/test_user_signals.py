"""The user's own signals: what the two contracts promise to the one who writes them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from sptrader_stream.errors import SignalError
from sptrader_stream.signals.loader import find_signal, load_signal, user_signals
from sptrader_stream.signals.registry import Parameter, SignalOutput
from tests.signals.support import SHIPPED, candles_of, run_signal, walk

HEAD = "import numpy as np\nfrom sptrader_stream.signals.api import *\n"


def write(folder: Path, name: str, text: str) -> Path:
    (folder / f"{name}.py").write_text(HEAD + dedent(text))
    return folder


def test_a_class_declares_its_signal(tmp_path: Path) -> None:
    write(
        tmp_path,
        "mine",
        '''
        class Mine(StatefulSignal):
            """What it says.

            And more.
            """

            period: int = parameter(20, minimum=2, maximum=9999, description="Candles.")
            factor: float = 1.5
            mode: str = parameter("slow", choices=("slow", "fast"))
            level: float
            strict: bool = False
            constant = 7
            _hidden: int = 3
            outputs = (Output("state", choices=("on", "off")), Output("score"))

            def update(self, candles, indicators):
                pass
        ''',
    )
    info = find_signal("mine", tmp_path)
    assert (info.name, info.summary) == ("mine", "What it says.")
    assert info.outputs == (SignalOutput("state", ("on", "off")), SignalOutput("score"))
    assert info.parameters == (
        Parameter(name="period", kind="int", default=20, minimum=2, maximum=9999, description="Candles."),
        Parameter(name="factor", kind="float", default=1.5),
        Parameter(name="mode", kind="choice", default="slow", choices=("slow", "fast")),
        Parameter(name="level", kind="float"),
        Parameter(name="strict", kind="bool", default=False),
    )
    assert load_signal("mine", {"level": 2, "mode": "fast"}, tmp_path).parameters == {
        "period": 20,
        "factor": 1.5,
        "mode": "fast",
        "level": 2.0,
        "strict": False,
    }


@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_parameters_are_attributes_from_the_start_on(tmp_path: Path, future: str) -> None:
    text = """
        class Mine(StatefulSignal):
            step: int = 1
            outputs = (Output("count"),)

            def start(self):
                self.count = 10 * self.step

            def update(self, candles, indicators):
                counts = []
                for candle in candles.rows():
                    self.count += self.step
                    counts.append(self.count)
                return counts
        """
    (tmp_path / "mine.py").write_text(future + HEAD + dedent(text))
    told = run_signal("mine", {"step": 3}, candles_of([1, 2, 3]), [1], tmp_path)
    assert told == {"count": [33.0, 36.0, 39.0]}


def test_prices_come_in_price_units_and_times_in_nanoseconds(tmp_path: Path) -> None:
    write(
        tmp_path,
        "mine",
        """
        class Mine(StatefulSignal):
            outputs = tuple(Output(name) for name in ("open", "high", "low", "close", "volume", "seconds"))

            def update(self, candles, indicators):
                rows = list(candles.rows())
                assert [row.close for row in rows] == candles.close.tolist()
                columns = {name: getattr(candles, name) for name in ("open", "high", "low", "close", "volume")}
                return columns | {"seconds": (candles.time - 1_700_000_000_000_000_000 + 20 * 10**9) // 10**9}
        """,
    )
    told = run_signal("mine", {}, candles_of([123456, 123457], [2]), (), tmp_path)
    assert told["open"] == [1.23456, 1.23456]
    assert told["high"] == [1.23458, 1.23459]
    assert told["low"] == [1.23454, 1.23454]
    assert told["close"] == [1.23456, 1.23457]
    assert told["volume"] == [5.0, 6.0]
    assert told["seconds"] == [0.0, 60.0]


WINDOW = """
    class Mine(WindowSignal):
        lookback = 3
        outputs = (Output("mean"), Output("rows"))

        def compute(self, candles, indicators):
            mean = sum(candles.close[3 - k : len(candles.close) - k] for k in range(4)) / 4
            order = np.arange(len(candles.time))
            return {"mean": np.concatenate([[9.9] * 3, mean]), "rows": np.full(len(candles.close), len(order) > 3)}
"""


@pytest.mark.parametrize("splits", [(), range(900), (1, 2, 3, 4, 5), (512, 513), (511, 700)])
def test_a_window_has_the_lookback_before_every_candle_and_is_undefined_until_then(
    tmp_path: Path, splits: list[int]
) -> None:
    write(tmp_path, "mine", WINDOW)
    candles = walk(900)
    told = run_signal("mine", {}, candles, splits, tmp_path)
    closes = candles.close.tolist()
    assert told["mean"][:3] == [None] * 3
    assert told["mean"][3:] == [pytest.approx(sum(closes[i - 3 : i + 1]) / 400_000) for i in range(3, 900)]
    assert told["rows"][3:] == [1.0] * 897


def test_a_window_can_be_pandas_with_indicators(tmp_path: Path) -> None:
    write(
        tmp_path,
        "mine",
        """
        import pandas as pd

        class Mine(WindowSignal):
            lookback = 1
            frame = "pandas"
            period: int = 2
            outputs = (Output("side", choices=("above", "below")), Output("average"), Output("seconds"))

            @property
            def indicators(self):
                upper = indicator("bollinger", output="upper")
                return {"average": indicator("sma", period=self.period), "upper": upper}

            def compute(self, candles, indicators):
                assert list(candles.columns) == ["open", "high", "low", "close", "volume"]
                assert str(candles.index.tz) == "UTC"
                average = indicators["average"]
                assert average.index.equals(candles.index)
                assert indicators["upper"].isna().all()
                above = candles.close > average
                side = pd.Series(None, index=candles.index, dtype=object)
                side[above] = "above"
                side[candles.close < average] = "below"
                seconds = pd.Series(candles.index, candles.index).diff().dt.total_seconds()
                return {"side": side, "average": average, "seconds": seconds}
        """,
    )
    told = run_signal("mine", {}, candles_of([100000, 100010, 100010, 100000]), [2], tmp_path)
    assert told["side"] == [None, "above", None, "below"]
    assert told["average"] == [None, 1.00005, 1.0001, 1.00005]
    assert told["seconds"] == [None, 60.0, 60.0, 60.0]


@pytest.mark.parametrize(
    "said",
    [
        '["none", "up", "down"]',
        '[None, "up", "down"]',
        "[0, 1, 2]",
        "np.array([0, 1, 2], np.uint8)",
        '["", "up", "down"]',
        '__import__("pandas").Series([None, "up", "down"], dtype="category")',
        '__import__("pandas").Series([float("nan"), "up", "down"])',
        '__import__("pandas").Series([None, "up", "down"], dtype="string")',
    ],
)
def test_choices_can_be_said_by_name_or_by_number(tmp_path: Path, said: str) -> None:
    write(
        tmp_path,
        "mine",
        f"""
        class Mine(StatefulSignal):
            outputs = (Output("move", choices=("up", "down")),)

            def update(self, candles, indicators):
                said = {said}
                first = round(candles.close[0] * 100_000) - 1
                return said[first : first + len(candles.close)]
        """,
    )
    assert run_signal("mine", {}, candles_of([1, 2, 3]), (), tmp_path) == {"move": [None, "up", "down"]}


def test_division_by_zero_is_an_undefined_value_not_a_warning(tmp_path: Path) -> None:
    write(
        tmp_path,
        "mine",
        """
        class Mine(StatefulSignal):
            outputs = (Output("ratio"),)

            def update(self, candles, indicators):
                change = candles.close - candles.open
                return change / change
        """,
    )
    assert run_signal("mine", {}, candles_of([5, 5, 6]), (), tmp_path) == {"ratio": [None, None, 1.0]}


def test_what_a_signal_prints_does_not_go_where_results_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        tmp_path,
        "talkative",
        """
        from sptrader_stream.signals.api import Output, StatefulSignal
        print("while loading")
        class Talkative(StatefulSignal):
            outputs = (Output("close"),)
            def start(self):
                print("at the start")
            @property
            def indicators(self):
                print("asking")
                return {}
            def update(self, candles, indicators):
                print("at work")
                return candles.close
        """,
    )
    run_signal("talkative", {}, walk(3), (1,), tmp_path)
    print("a result")
    said = capsys.readouterr()
    assert said.out == "a result\n"
    assert {"while loading", "at the start", "asking", "at work"} == set(said.err.splitlines())


def test_names_do_not_leave_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "signals"
    inside.mkdir()
    write(tmp_path, "outside", "raise SystemExit('it ran')")
    for name in ("../outside", "..outside", str(tmp_path / "outside"), "signals/../outside", "outside.py", ""):
        with pytest.raises(SignalError, match="there is no signal"):
            find_signal(name, inside)


def test_an_unknown_signal_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SignalError, match=r"no signal 'ma_crosover', did you mean ma_crossover\?"):
        find_signal("ma_crosover", None)
    # By its letters alone, ma_cros is nearest to macd_cross.
    for cut in ("ma_cros", "ma_"):
        with pytest.raises(SignalError, match=rf"no signal '{cut}', did you mean ma_crossover\?"):
            find_signal(cut, None)
    with pytest.raises(SignalError, match=r"did you mean inside_bar\?"):
        find_signal("inside_bars", SHIPPED)


def test_the_folder_is_listed_without_private_files(tmp_path: Path) -> None:
    for name in ("b", "a", "_helper"):
        write(tmp_path, name, "")
    (tmp_path / "notes.txt").touch()
    assert user_signals(tmp_path) == ["a", "b"]
    assert user_signals(tmp_path / "none") == user_signals(None) == []


def test_inside_bar_finds_the_pattern() -> None:
    # The second candle reaches from 980 to 1030, the next two lie inside, the last one closes above.
    candles = candles_of([1000, 1010, 1008, 1009, 1031], [0, 20, 0, 0, 0])
    told = run_signal("inside_bar", {}, candles, (), SHIPPED)
    assert told["pattern"] == [None, None, "inside", "inside", "breaks_up"]
    told = run_signal("inside_bar", {"bars": 2}, candles, (), SHIPPED)
    assert told["pattern"] == [None, None, None, "inside", "breaks_up"]
    assert told["inside_bars"] == [0.0, 0.0, 1.0, 2.0, 0.0]


def test_volatility_squeeze_finds_the_break() -> None:
    closes = [1000, 1050, 1000, 1001, 1000, 1001, 1000, 1020]
    told = run_signal("volatility_squeeze", {"period": 3, "narrow": 0.002}, candles_of(closes), (), SHIPPED)
    assert told["squeeze"] == [None] * 6 + ["begins", "breaks_up"]


def test_trend_pullback_finds_the_turn() -> None:
    closes = [*range(1000, 1100, 10), 1085, 1080, 1088]
    told = run_signal("trend_pullback", {"trend": 8, "pullback": 2}, candles_of(closes), (), SHIPPED)
    assert told["setup"] == [None] * 12 + ["buy_dip"]
