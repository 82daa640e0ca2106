"""From a strategy file to a compiled :class:`StrategyPlan`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path

import msgspec

from sptrader_stream.errors import UserError
from sptrader_stream.execution.settings import HoldingPeriod
from sptrader_stream.rules import document, schema
from sptrader_stream.rules.assembly import assembled
from sptrader_stream.rules.conditions import Condition
from sptrader_stream.rules.document import Node, Scalar, shown
from sptrader_stream.rules.fields import MOST_LEVERAGE, Special
from sptrader_stream.rules.findings import Findings
from sptrader_stream.rules.operand_table import OperandTable
from sptrader_stream.rules.parameters import Parameters
from sptrader_stream.rules.plan import ConfigValue, StrategyPlan
from sptrader_stream.rules.reader import INVALID, Invalid, Reader, truth
from sptrader_stream.rules.signal_book import SignalBook
from sptrader_stream.rules.when import ConditionCompiler
from sptrader_stream.signals.loader import check_config
from sptrader_stream.timeframes import parse_timeframe

_INTEGER = re.compile(r"[+-]?\d+\Z", re.ASCII)


def load_strategy(
    path: Path | str, overrides: Mapping[str, str] | None = None, signals_folder: Path | None = None
) -> StrategyPlan:
    """Read and compile a strategy file.

    Args:
        path: the YAML file.
        overrides: values for names under ``parameters``, as texts.
        signals_folder: where the user's own signals are; by default ``signals`` beside the file.

    Raises:
        StrategyError: with everything that is wrong in the file and the overrides.
    """
    path = Path(path)
    text = document.read_text(path)
    return compile_strategy(
        text, str(path), overrides, path.parent / "signals" if signals_folder is None else signals_folder
    )


def compile_strategy(
    text: str, file: str, overrides: Mapping[str, str] | None = None, signals_folder: Path | None = None
) -> StrategyPlan:
    """Compile a strategy's text.

    Args:
        text: YAML.
        file: how to call it in findings.
        overrides: as for :func:`load_strategy`.
        signals_folder: where the user's own signals are, None for none.

    Raises:
        StrategyError: with everything that is wrong.
    """
    overrides = dict(overrides or {})
    top, repeated = document.parse(text, file)
    findings = Findings(file)
    findings.found.extend(repeated)
    parameters = Parameters(top, overrides, findings)
    resolved = parameters.substituted(top)
    assert isinstance(resolved, document.Mapping)
    sections = _Sections(findings, parameters, SignalBook(signals_folder), resolved)
    strategy = sections.reader.read(resolved, schema.Strategy)
    # A rule that could not be compiled may well be the one that refers to a parameter.
    if strategy is not INVALID:
        parameters.refuse_idle_overrides(top)
    findings.refuse()
    return assembled(
        strategy,
        sections.table,
        file=file,
        text=text,
        overrides=overrides,
        parameters=parameters,
        signals_folder=signals_folder,
        digest=_digest(text, overrides),
    )


def _span(node: Node | None) -> int | None:
    """The length of time that ``node`` says, nanoseconds; None if it says none."""
    try:
        return parse_timeframe(node.text) if isinstance(node, Scalar) else None
    except UserError:
        return None


def _leverage(execution: Node | None) -> Decimal:
    """The leverage that a strategy asks for; a wrong one bounds nothing."""
    node = execution.items.get("leverage") if isinstance(execution, document.Mapping) else None
    if node is None:
        return Decimal(1)
    known = Decimal(node.number) if isinstance(node, Scalar) and node.number is not None else Decimal(0)
    return known if known >= 1 else Decimal(MOST_LEVERAGE)


class _Sections:
    """Reads what the schema leaves to a hook."""

    def __init__(self, findings: Findings, parameters: Parameters, signals: SignalBook, top: document.Mapping) -> None:
        self.table = OperandTable()
        # Conditions are held to the strategy's timeframe and sizes to its leverage, wherever in the file these stand.
        timeframe = _span(top.items.get("timeframe"))
        self._conditions = ConditionCompiler(findings, parameters, signals, self.table, timeframe)
        self._findings = findings
        self._parameters = parameters
        self._signals = signals
        self.reader = Reader(
            findings,
            {
                Special.CONDITION: self._condition,
                Special.SIGNAL: self._signal,
                Special.SIGNAL_CONFIG: self._signal_config,
                Special.PARAMETERS: self._parameter_values,
                Special.TIMEFRAME: self._timeframe,
                Special.DURATION: self._duration,
            },
            _leverage(top.items.get("execution")),
        )

    def _condition(self, node: Node) -> Condition | Invalid:
        compiled = self._conditions.compile(node)
        return INVALID if compiled is None else compiled

    def _signal(self, node: Node) -> str | Invalid:
        if not isinstance(node, Scalar) or node.is_null:
            self._findings.add(node, f"expected {Special.SIGNAL.value}, found {shown(node)}")
            return INVALID
        name = node.text.removeprefix("signals.")
        return INVALID if self._signals.find(name, partial(self._findings.add, node)) is None else name

    def _signal_config(self, node: Node) -> dict[str, dict[str, ConfigValue]] | Invalid:
        if not isinstance(node, document.Mapping):
            self._findings.add(node, f"expected {Special.SIGNAL_CONFIG.value}, found {shown(node)}")
            return INVALID
        before = len(self._findings.found)
        configured = {name: self._one_config(name, node, child) for name, child in node.items.items()}
        return configured if len(self._findings.found) == before else INVALID

    def _one_config(self, name: str, section: document.Mapping, node: Node) -> dict[str, ConfigValue]:
        info = self._signals.find(name, partial(self._findings.at, section.key_lines[name], node.path))
        if info is None:
            return {}
        if not isinstance(node, document.Mapping):
            expected = ", ".join(each.name for each in info.parameters)
            self._findings.add(node, f"expected a mapping with settings of {name} ({expected}), found {shown(node)}")
            return {}
        before = len(self._findings.found)
        read = {key: self._config_value(child) for key, child in node.items.items()}
        values = {key: value for key, value in read.items() if value is not INVALID}
        if len(self._findings.found) > before or len(values) < len(read):
            return {}
        for problem in check_config(name, values, self._signals.folder):
            if problem.key in node.items:
                place = node.items[problem.key]
                origin = f" (from {place.origin})" if isinstance(place, Scalar) and place.origin else ""
                self._findings.at(node.key_lines[problem.key], place.path, problem.message + origin)
            else:
                self._findings.at(section.key_lines[name], node.path, problem.message)
        return values

    def _config_value(self, node: Node) -> ConfigValue | Invalid:
        if not isinstance(node, Scalar) or node.is_null:
            self._findings.add(node, f"expected a number, a text, true or false, found {shown(node)}")
            return INVALID
        if node.broken:
            return INVALID
        if node.number is not None:
            return int(node.number) if _INTEGER.match(node.number) else float(node.number)
        said = truth(node)
        return node.text if said is None else said

    def _parameter_values(self, node: Node) -> Mapping[str, str] | Invalid:
        if not isinstance(node, document.Mapping):
            self._findings.add(node, f"expected {Special.PARAMETERS.value}, found {shown(node)}")
            return INVALID
        return self._parameters.values

    def _timeframe(self, node: Node) -> str | Invalid:
        if not isinstance(node, Scalar) or node.is_null:
            self._findings.add(node, f"expected {Special.TIMEFRAME.value}, found {shown(node)}")
            return INVALID
        try:
            parse_timeframe(node.text)
        except UserError as error:
            self._findings.add(node, str(error))
            return INVALID
        return node.text

    def _duration(self, node: Node) -> HoldingPeriod | Invalid:
        duration = _span(node)
        if duration is None:
            self._findings.add(node, f"expected {Special.DURATION.value}, found {shown(node)}")
            return INVALID
        return HoldingPeriod(duration=duration)


def _digest(text: str, overrides: Mapping[str, str]) -> str:
    return hashlib.sha256(msgspec.msgpack.encode([text, sorted(overrides.items())])).hexdigest()
