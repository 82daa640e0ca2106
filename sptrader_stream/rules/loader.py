"""From a strategy file to a compiled :class:`StrategyPlan`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import msgspec

from sptrader_stream.errors import UserError
from sptrader_stream.execution.settings import Commission
from sptrader_stream.rules import document, schema
from sptrader_stream.rules.conditions import Condition
from sptrader_stream.rules.document import Node, Scalar, shown
from sptrader_stream.rules.findings import Findings
from sptrader_stream.rules.operand_table import OperandTable
from sptrader_stream.rules.operands import FieldOperand, SignalOperand
from sptrader_stream.rules.parameters import Parameters
from sptrader_stream.rules.plan import ConfigValue, EntryRule, ExecutionRules, ExitRule, Slippage, StrategyPlan
from sptrader_stream.rules.reader import INVALID, Invalid, Reader
from sptrader_stream.rules.schema import Special
from sptrader_stream.rules.when import ConditionCompiler, SignalBook
from sptrader_stream.signals.loader import check_config
from sptrader_stream.timeframes import parse_timeframe

_INTEGER = re.compile(r"[+-]?\d+\Z", re.ASCII)
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


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
    sections = _Sections(findings, parameters, SignalBook(signals_folder))
    strategy = sections.reader.read(resolved, schema.Strategy)
    # A rule that could not be compiled may well be the one that refers to a parameter.
    if strategy is not INVALID:
        parameters.refuse_idle_overrides(top)
    findings.refuse()
    return _plan(strategy, file, parameters, sections.table, signals_folder, _digest(text, overrides))


class _Sections:
    """Reads what the schema leaves to a hook."""

    def __init__(self, findings: Findings, parameters: Parameters, signals: SignalBook) -> None:
        self.table = OperandTable()
        self._conditions = ConditionCompiler(findings, parameters, signals, self.table)
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
            },
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
        return _WORDS.get(node.text, node.text) if node.plain else node.text

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


def _plan(
    strategy: schema.Strategy,
    file: str,
    parameters: Parameters,
    table: OperandTable,
    signals_folder: Path | None,
    digest: str,
) -> StrategyPlan:
    # The length of a batch is that of its columns: there is always one, even if no condition reads any.
    if not table.operands:
        table.column(FieldOperand("close"))
    named = {each.signal for each in table.operands if isinstance(each, SignalOperand)}
    return StrategyPlan(
        file=file,
        name=strategy.name,
        version=strategy.version,
        author=strategy.author,
        description=strategy.description,
        symbol=strategy.symbol,
        timeframe=strategy.timeframe,
        parameters=parameters.values,
        unused_parameters=parameters.unused,
        operands=table.operands,
        signals_folder=None if signals_folder is None else str(signals_folder),
        signals={name: strategy.signal_config.get(name, {}) for name in sorted(named)},
        entries=_entries(strategy),
        exits=_exits(strategy.exit),
        execution=_execution(strategy),
        digest=digest,
    )


def _entries(strategy: schema.Strategy) -> tuple[EntryRule, ...]:
    if strategy.entry is not None:
        named = [("entry", strategy.entry)]
    else:
        named = [(f"entries[{index}]", each) for index, each in enumerate(strategy.entries or ())]
    rules = []
    for name, entry in named:
        size = entry.size if isinstance(entry.size, schema.Size) else schema.Size(type="percent", value=entry.size)
        rules.append(
            EntryRule(
                name=entry.name or name,
                side=1 if entry.action == "buy" else -1,
                sizing=size.type,
                size=size.value,
                condition=entry.when,
            )
        )
    return tuple(rules)


def _exits(section: schema.Exit) -> tuple[ExitRule, ...]:
    found = section.signal_exit
    if found is None:
        return ()
    if isinstance(found, schema.SignalExit):
        return (ExitRule(name=found.name or "exit.signal_exit", condition=found.when),)
    return tuple(
        ExitRule(name=each.name or f"exit.signal_exit[{index}]", condition=each.when)
        for index, each in enumerate(found)
    )


def _execution(strategy: schema.Strategy) -> ExecutionRules:
    wanted, stop_loss, take_profit = strategy.execution, strategy.exit.stop_loss, strategy.exit.take_profit
    commission, slippage = wanted.commission, wanted.slippage
    if isinstance(commission, int):
        commission = schema.CommissionParts(percent=commission)
    if isinstance(slippage, int):
        slippage = schema.SlippageTicks(percent=slippage)
    return ExecutionRules(
        fill=wanted.fill,
        same_bar=wanted.same_bar,
        commission=None if commission is None else Commission(**msgspec.structs.asdict(commission)),
        slippage=None if slippage is None else Slippage(ticks=slippage.ticks, percent=slippage.percent),
        spread=wanted.spread,
        stop_loss=None if stop_loss is None else stop_loss.value,
        take_profit=None if take_profit is None else take_profit.value,
        max_drawdown=strategy.risk.max_drawdown,
        daily_loss_limit=strategy.risk.daily_loss_limit,
        max_position_size=strategy.risk.max_position_size,
    )


def _digest(text: str, overrides: Mapping[str, str]) -> str:
    return hashlib.sha256(msgspec.msgpack.encode([text, sorted(overrides.items())])).hexdigest()
