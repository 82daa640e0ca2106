"""Every mistake in a user's signal is one message with the file and the line of it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from sptrader_stream.errors import ContradictionError, SignalError
from sptrader_stream.rules.plan import ConfigValue
from tests.signals.support import run_signal, walk

HEAD = "import numpy as np\nfrom sptrader_stream.signals.api import *\n"


def mistake(folder: Path, text: str, splits: tuple[int, ...] = (), config: dict[str, ConfigValue] | None = None) -> str:
    """The message for a signal file, without its folder; the file's text begins in line 3."""
    (folder / "mine.py").write_text(HEAD + dedent(text).lstrip("\n"))
    with pytest.raises(SignalError) as caught:
        run_signal("mine", config or {}, walk(600), splits, folder)
    message = str(caught.value)
    assert message.startswith(f"{folder}/mine.py:")
    return message.removeprefix(f"{folder}/")


def stateful(body: str, outputs: str = 'Output("state", choices=("on", "off"))') -> str:
    """A class that begins in line 3 and whose update is in line 5 and returns in line 6."""
    return f"""
class Mine(StatefulSignal):
    outputs = ({outputs},)
    def update(self, candles, indicators):
        {body}
"""


def test_syntax_errors(tmp_path: Path) -> None:
    assert mistake(tmp_path, "x = 1\ndef f(:\n") == "mine.py:4: SyntaxError: invalid syntax"


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SignalError, match=r"mine\.py:1: SyntaxError"):
        run_signal("mine", {}, walk(3), (), tmp_path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "mine.py").mkdir()
    with pytest.raises(SignalError, match=r"mine\.py: cannot be read"):
        run_signal("mine", {}, walk(3), (), tmp_path)


def test_exceptions_while_the_file_is_run(tmp_path: Path) -> None:
    assert mistake(tmp_path, "x = 1\n1 / 0") == "mine.py:4: ZeroDivisionError: division by zero"
    assert (
        mistake(tmp_path, "import no_such_thing") == "mine.py:3: ModuleNotFoundError: No module named 'no_such_thing'"
    )
    assert mistake(tmp_path, "raise SystemExit(3)") == "mine.py:3: SystemExit: 3"


def test_no_class_or_two(tmp_path: Path) -> None:
    assert "mine.py:1: there is no class that extends WindowSignal or StatefulSignal" in mistake(tmp_path, "x = 1")
    assert "mine.py:1: there is no class" in mistake(tmp_path, "class Mine:\n    pass")
    two = stateful("pass") + "class Other(WindowSignal):\n    pass\n"
    assert mistake(tmp_path, two) == "mine.py:7: a file holds one signal, this one holds Mine and Other"


def test_a_missing_method(tmp_path: Path) -> None:
    assert mistake(tmp_path, "class Mine(StatefulSignal):\n    pass") == "mine.py:3: Mine has no method update"
    assert mistake(tmp_path, "class Mine(WindowSignal):\n    pass") == "mine.py:3: Mine has no method compute"


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ("", "Mine.outputs must be a tuple of Output"),
        ('"state",', "Mine.outputs must be a tuple of Output"),
        ('Output("a"), Output("a"),', "Mine.outputs has the name 'a' more than once"),
        ('Output("a", choices="on"),', "the choices of a must be a tuple of texts, found 'on'"),
        ('Output("a", choices=("none", "on")),', "the choices of a must differ, be at most 127, and leave out 'none'"),
        ('Output("a", choices=("on", "on")),', "the choices of a must differ"),
    ],
)
def test_outputs_that_are_declared_wrongly(tmp_path: Path, outputs: str, said: str) -> None:
    text = f"class Mine(StatefulSignal):\n    outputs = ({outputs})\n    def update(self, candles, indicators): pass"
    assert (message := mistake(tmp_path, text)).startswith("mine.py:3: ")
    assert said in message


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("period: int = 2.5", "Mine: the default of period must be a whole number, found 2.5"),
        ("period: int = parameter(1, minimum=2)", "the default of period must be a whole number, at least 2, found 1"),
        ("period: list = parameter(3)", "Mine.period must be annotated as int, float, bool or str"),
        ('mode: str = parameter("x", choices=("a", "b"))', "the default of mode must be one of a, b, found 'x'"),
    ],
)
def test_parameters_that_are_declared_wrongly(tmp_path: Path, declared: str, said: str) -> None:
    text = stateful("pass").replace("    outputs", f"    {declared}\n    outputs")
    assert (message := mistake(tmp_path, text)).startswith("mine.py:3: ")
    assert said in message


@pytest.mark.parametrize("lookback", ["-1", "2.5", "True", "None", "10**9"])
def test_a_lookback_that_is_no_count(tmp_path: Path, lookback: str) -> None:
    text = f"""
        class Mine(WindowSignal):
            lookback = {lookback}
            outputs = (Output("a"),)
            def compute(self, candles, indicators): pass
        """
    assert "mine.py:3: Mine.lookback must be a whole number from 0 to 1000000, found" in mistake(tmp_path, text)


def test_a_frame_that_does_not_exist(tmp_path: Path) -> None:
    text = "class Mine(WindowSignal):\n    frame = 'polars'\n    def compute(self, candles, indicators): pass"
    assert mistake(tmp_path, text) == "mine.py:3: Mine.frame must be 'numpy' or 'pandas', found 'polars'"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ('{"a": "sma"}', "Mine.indicators must be a dict such as"),
        (
            '{"a": indicator("smaa", period=3)}',
            "Mine.indicators['a']: there is no indicator 'smaa' (did you mean sma?)",
        ),
        ('{"a": indicator("sma")}', "Mine.indicators['a']: sma needs its parameter period"),
        ('{"a": indicator("sma", period=0)}', "Mine.indicators['a']: sma: period must be"),
        ('{"a": indicator("macd", output="lines")}', "macd has no output 'lines'; it has line, signal, histogram"),
    ],
)
def test_indicators_that_cannot_be(tmp_path: Path, asked: str, said: str) -> None:
    text = stateful("pass").replace("    outputs", f"    indicators = {asked}\n    outputs")
    assert (message := mistake(tmp_path, text)).startswith("mine.py:3: ")
    assert said in message


def test_an_indicator_over_a_field_that_does_not_exist(tmp_path: Path) -> None:
    text = stateful("pass").replace(
        "    outputs", '    indicators = {"a": indicator("sma", source="closes")}\n    outputs'
    )
    assert "mine.py:4: ValueError: source must be one of open, high" in mistake(tmp_path, text)


def test_exceptions_name_the_last_line_of_the_user(tmp_path: Path) -> None:
    text = """
        def helper(values):
            return np.concatenate(values, 3)

        class Mine(WindowSignal):
            outputs = (Output("a"),)
            def compute(self, candles, indicators):
                return helper([candles.close])
        """
    assert mistake(tmp_path, text).startswith("mine.py:4: AxisError: axis 3 is out of bounds")


def test_exceptions_in_start(tmp_path: Path) -> None:
    text = stateful("pass") + "    def start(self):\n        raise ValueError('fast must be less than slow')\n"
    assert mistake(tmp_path, text) == "mine.py:8: ValueError: fast must be less than slow"


def test_columns_cannot_be_written_to(tmp_path: Path) -> None:
    text = stateful("candles.close[0] = 1.0")
    assert mistake(tmp_path, text) == "mine.py:6: ValueError: assignment destination is read-only"


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("None", "output state must have 600 values, one per candle, found None"),
        ('["on"]', "output state must have 600 values, one per candle, found list of 1"),
        (
            "np.zeros((600, 1), int)",
            "output state must have 600 values, one per candle, found ndarray of shape (600, 1)",
        ),
        ('{"states": 1}', "must return the declared outputs state, found states"),
        ("{}", "must return the declared outputs state, found nothing"),
        ('["on", "maybe"] * 300', "output state says 'maybe'; its choices are on, off and none"),
        ("[1, 3] * 300", "output state has the code 3; codes go from 0 (none) to 2"),
        ("[0.5] * 600", "output state must be names (on, off, none) or their numbers from 1, found float64"),
        ("[True] * 600", "output state must be names (on, off, none) or their numbers from 1, found bool"),
        ("[7, None] * 300", "output state says 7; its choices are on, off and none"),
    ],
)
def test_results_that_do_not_fit_the_declaration(tmp_path: Path, result: str, said: str) -> None:
    assert mistake(tmp_path, stateful(f"return {result}")) == f"mine.py:5: Mine: {said}"


@pytest.mark.parametrize("result", ['["a"] * 600', '[1.0, "a"] * 300', "candles.time.view('M8[ns]')"])
def test_numbers_that_are_none(tmp_path: Path, result: str) -> None:
    message = mistake(tmp_path, stateful(f"return {result}", 'Output("a")'))
    assert message.startswith("mine.py:5: Mine: output a must be numbers")


def test_several_outputs_need_their_names(tmp_path: Path) -> None:
    text = stateful("return candles.close", 'Output("a"), Output("b")')
    assert mistake(tmp_path, text) == "mine.py:5: Mine: must return a dict with a, b, found ndarray of shape (600,)"


LOOKS_AHEAD = """
class Mine(WindowSignal):
    lookback = 5
    outputs = (Output("score", choices=("high",)),)
    def compute(self, candles, indicators):
        return np.where(candles.close > {threshold}, "high", "none")
"""


@pytest.mark.parametrize("threshold", ["candles.close.mean()", "np.roll(candles.close, -1)"])
@pytest.mark.parametrize("splits", [(), tuple(range(600)), (2, 100, 300)])
def test_a_window_signal_that_looks_ahead_is_stopped(tmp_path: Path, splits: tuple[int, ...], threshold: str) -> None:
    message = mistake(tmp_path, LOOKS_AHEAD.format(threshold=threshold), splits)
    assert message.startswith("mine.py:6: Mine: output score at candle ")
    assert message.endswith("when later candles were known; a value may depend on its own candle and earlier ones only")


def test_the_message_of_a_look_ahead_has_candle_and_values(tmp_path: Path) -> None:
    text = """
        class Mine(WindowSignal):
            outputs = (Output("a"),)
            def compute(self, candles, indicators):
                return np.where(np.arange(len(candles.time)) == 3, float(len(candles.time)), 0.0)
        """
    assert "mine.py:5: Mine: output a at candle 3 was 4.0 and became 5.0 when" in mistake(tmp_path, text, (4, 5))


def test_a_contradiction_says_what_it_is_to_whoever_catches_it(tmp_path: Path) -> None:
    looks_ahead = """
        class Mine(WindowSignal):
            outputs = (Output("a"),)
            def compute(self, candles, indicators):
                return np.where(np.arange(len(candles.time)) == 3, float(len(candles.time)), 0.0)
        """
    found = contradiction(tmp_path, looks_ahead, (4, 5))
    assert (found.kind, found.output, found.candle) == ("looks_ahead", "a", 3)
    assert (found.said, found.then, found.file) == ("4.0", "5.0", str(tmp_path / "mine.py"))

    found = contradiction(tmp_path, stateful("return ['on'] + ['off'] * (len(candles.time) - 1)"), ())
    assert (found.kind, found.output, found.candle) == ("depends_on_batches", "state", 1)
    assert (found.said, found.then) == ("off", "on")


def contradiction(folder: Path, text: str, splits: tuple[int, ...]) -> ContradictionError:
    (folder / "mine.py").write_text(HEAD + dedent(text).lstrip("\n"))
    with pytest.raises(ContradictionError) as caught:
        run_signal("mine", {}, walk(600), splits, folder)
    return caught.value


def test_what_a_strategy_configures_wrongly_is_not_the_files_mistake(tmp_path: Path) -> None:
    text = stateful("pass").replace("    outputs", "    period: int = parameter(3, minimum=2)\n    outputs")
    (tmp_path / "mine.py").write_text(HEAD + text)
    with pytest.raises(SignalError, match=r"^signal mine: period must be a whole number, at least 2, found 1$"):
        run_signal("mine", {"period": 1}, walk(3), (), tmp_path)


def test_a_file_named_like_a_built_in_signal(tmp_path: Path) -> None:
    (tmp_path / "ma_crossover.py").write_text(HEAD + stateful("pass"))
    with pytest.raises(SignalError, match=r"ma_crossover\.py: there is a built-in signal ma_crossover"):
        run_signal("ma_crossover", {}, walk(3), (), tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        "return np.where(candles.close > candles.close.mean(), 1, 0)",
        "self.seen.extend(candles.close); return [len(self.seen) % 3] * len(candles.close)",
    ],
)
def test_a_stateful_signal_that_depends_on_its_batches_is_stopped(tmp_path: Path, body: str) -> None:
    text = stateful(body).replace("    outputs", "    def start(self): self.seen = []\n    outputs")
    for splits in ((), (50,), tuple(range(40))):
        message = mistake(tmp_path, text, splits)
        assert message.startswith("mine.py:6: Mine: output state at candle ")
        assert "when the candles came one at a time; update must not depend on where a batch begins" in message


def test_memory_on_the_class_is_told_even_if_candles_come_one_at_a_time(tmp_path: Path) -> None:
    body = "self.seen.append(1); return [len(self.seen) % 3]"
    text = stateful(body).replace("    outputs", "    seen = []\n    outputs")
    message = mistake(tmp_path, text, tuple(range(600)))
    assert message.startswith("mine.py:6: Mine: output state at candle 0 was on and became off when")
    assert message.endswith("must keep what it remembers in attributes that start sets")
