"""The data contract: what candles must be like, and what to do where they are not, in research, on paper and live.

=============  ===================================================================  ========  ================
kind           a candle shows it when                                               research  allowed anyway
=============  ===================================================================  ========  ================
non_finite     its time or one of its prices is missing, NaN or infinite            block     left out
unordered      its time lies before the candle before it                            block     left out
duplicate      it has the time of the candle before it                              block     left out
too_large      a price counts 9 * 10^12 ticks or more                               block     left out
non_positive   a price is zero ticks or less                                        block     left out
range          not ``low <= open, close <= high`` (in ticks)                        block     left out
spread         its spread is negative, missing, NaN or infinite                     block     left out
volume         its volume is negative or infinite (a missing one counts as 0)       block     left out
misaligned     its time is no multiple of the timeframe                             block     kept
gap            candles are missing before it, and the market was not closed         warn      kept
precision      a price is further than 10^-3 tick from a tick, and was rounded      warn      kept
=============  ===================================================================  ========  ================

A candle that is left out counts once, under the first of its findings, and the next one is compared with the last
that was kept. Times of a timeframe of several days or weeks are midnights, as far apart as the timeframe says from
the first of them on.

Where trading is closer, less is let through: paper and live block what research warns of, and want candles that can be
believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec

from sptrader_stream.errors import ConfigError, DataError, Finding, did_you_mean
from sptrader_stream.events import DataIssue
from sptrader_stream.sources.source import SourceInfo, Trust

Policy: TypeAlias = Literal["allow", "warn", "block"]
IssueKind: TypeAlias = Literal[
    "non_finite",
    "unordered",
    "duplicate",
    "too_large",
    "non_positive",
    "range",
    "spread",
    "volume",
    "misaligned",
    "gap",
    "precision",
]
DataPolicy: TypeAlias = Mapping[IssueKind, Policy]
ExecutionMode: TypeAlias = Literal["research", "paper", "live"]

POLICIES: Final[tuple[Policy, ...]] = get_args(Policy)
MODES: Final[tuple[ExecutionMode, ...]] = get_args(ExecutionMode)
TRUSTS: Final[tuple[Trust, ...]] = get_args(Trust)
# In the order in which they are looked for and reported; the code of a kind is its index.
KINDS: Final[tuple[IssueKind, ...]] = get_args(IssueKind)
NON_FINITE: Final = 0
UNORDERED: Final = 1
DUPLICATE: Final = 2
TOO_LARGE: Final = 3
NON_POSITIVE: Final = 4
RANGE: Final = 5
SPREAD: Final = 6
VOLUME: Final = 7
MISALIGNED: Final = 8
GAP: Final = 9
PRECISION: Final = 10

RESEARCH: Final[DataPolicy] = {kind: "warn" if kind in ("gap", "precision") else "block" for kind in KINDS}
# By how far candles can be believed: in research, on paper and live.
_TRUST: Final[Mapping[Trust, tuple[Policy, Policy, Policy]]] = {
    "verified": ("allow", "allow", "allow"),
    "external": ("allow", "allow", "warn"),
    "user-supplied": ("allow", "warn", "block"),
    "synthetic": ("allow", "block", "block"),
}


class Rule(msgspec.Struct, frozen=True):
    """How a kind of finding is put into words: what the candles show, and what becomes of them when allowed."""

    shows: str
    kept: str


_LEFT_OUT: Final = "left out"
RULES: Final[Mapping[IssueKind, Rule]] = {
    "non_finite": Rule("a time or price that is missing, NaN or infinite", _LEFT_OUT),
    "unordered": Rule("a time before that of the candle before it", _LEFT_OUT),
    "duplicate": Rule("the same time as the candle before it", _LEFT_OUT),
    "too_large": Rule("a price too large for exact arithmetic at this price precision", _LEFT_OUT),
    "non_positive": Rule("a price of zero or less", _LEFT_OUT),
    "range": Rule("an open or close outside of low to high", _LEFT_OUT),
    "spread": Rule("a spread that is negative, missing or not finite", _LEFT_OUT),
    "volume": Rule("a volume that is negative or infinite", _LEFT_OUT),
    "misaligned": Rule("a time that is no multiple of the timeframe", "kept"),
    "gap": Rule("missing candles before it", "kept"),
    "precision": Rule("a price finer than the instrument's precision", "rounded half to even"),
}


class PolicyTable(msgspec.Struct, frozen=True):
    """What is done about findings, and about candles that can be believed only so far, by execution mode."""

    kinds: Mapping[ExecutionMode, DataPolicy]
    trust: Mapping[ExecutionMode, Mapping[Trust, Policy]]


def _default_table() -> PolicyTable:
    strict: DataPolicy = dict.fromkeys(KINDS, "block")
    return PolicyTable(
        kinds={mode: RESEARCH if mode == "research" else strict for mode in MODES},
        trust={mode: {each: policies[place] for each, policies in _TRUST.items()} for place, mode in enumerate(MODES)},
    )


DEFAULT_TABLE: Final = _default_table()


def make_table(chosen: Mapping[str, object], file: str = "data policy") -> PolicyTable:
    """Complete a table.

    Args:
        chosen: by kind of finding or trust, for those that differ from the default: the policy of research, which
            others make stricter, or policies by mode.
        file: where ``chosen`` comes from, for the error.

    Raises:
        ConfigError: an unknown kind, mode or policy; names the nearest one.
    """
    kinds: dict[ExecutionMode, dict[Any, Any]] = {mode: dict(DEFAULT_TABLE.kinds[mode]) for mode in MODES}
    trust: dict[ExecutionMode, dict[Any, Any]] = {mode: dict(DEFAULT_TABLE.trust[mode]) for mode in MODES}
    findings = []
    for row, cell in chosen.items():
        target: dict[ExecutionMode, dict[Any, Any]] = kinds if row in KINDS else trust
        if row not in (*KINDS, *TRUSTS):
            findings.append(_unknown(file, str(row), "row of the table", str(row), (*KINDS, *TRUSTS)))
            continue
        by_mode = cell if isinstance(cell, dict) else _by_mode(cell)
        for mode, policy in by_mode.items():
            if mode not in MODES:
                findings.append(_unknown(file, f"{row}.{mode}", "execution mode", str(mode), MODES))
            elif policy not in POLICIES:
                path = f"{row}.{mode}" if isinstance(cell, dict) else str(row)
                if path not in [each.path for each in findings]:
                    findings.append(_unknown(file, path, "policy", str(policy), POLICIES))
            else:
                target[mode][row] = policy
    if findings:
        raise ConfigError("\n".join(map(str, findings)))
    return PolicyTable(kinds, trust)


def _by_mode(policy: object) -> dict[str, object]:
    """Give the policies that follow from that of research: what it only warns of, others block."""
    return {mode: "block" if policy == "warn" and mode != "research" else policy for mode in MODES}


def load_table(path: Path) -> PolicyTable:
    """Read ``config/data_policy.yaml``; one that is not there says nothing.

    Raises:
        ConfigError: it cannot be read, or has an unknown kind, mode or policy.
    """
    import yaml

    file = str(path)
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        return DEFAULT_TABLE
    except OSError as error:
        raise ConfigError(f"{file}: cannot read the data policy: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: not valid YAML: {error}") from None
    if document is None:
        return DEFAULT_TABLE
    if not isinstance(document, dict):
        raise ConfigError(f"{file}: expected a mapping of findings to policies, found {type(document).__name__}")
    return make_table(document, file)


def check_mode(mode: str) -> ExecutionMode:
    """Make sure that a run can be made in a mode.

    Raises:
        ConfigError: there is no such mode, or it is not available.
    """
    if mode == "live":
        raise ConfigError("live trading is not available: there are research and paper")
    if mode not in MODES:
        raise ConfigError(f"{mode!r} is no execution mode{did_you_mean(mode, MODES)}; there are {', '.join(MODES)}")
    return mode


def check_trust(infos: Iterable[SourceInfo], table: PolicyTable, mode: ExecutionMode) -> tuple[DataIssue, ...]:
    """Tell whether the candles of a run can be believed as far as its mode wants.

    Returns:
        What is to be said of them.

    Raises:
        DataError: those of a source can't; says what would do.
    """
    issues = []
    for info in infos:
        policy = table.trust[mode][info.trust]
        named = info.symbol if info.synthetic else f"{info.symbol} ({info.name})"
        what = f"the candles of {named} are {info.trust}"
        if policy == "block":
            good = [each for each in TRUSTS if table.trust[mode][each] != "block"]
            raise DataError(
                f"{what}, and {mode} takes only such as are {', '.join(good) or 'none'}: use others, vouch for a "
                f"series of the catalog with `sptrader data check SYMBOL --verified`, or change `{info.trust}` for "
                f"{mode} in config/data_policy.yaml"
            )
        if policy == "warn":
            issues.append(
                DataIssue(kind="trust", policy="warn", symbol=info.symbol, count=0, places=(), message=f"{what}: kept")
            )
    return tuple(issues)


def _unknown(file: str, path: str, what: str, wrong: str, known: Sequence[str]) -> Finding:
    message = f"{wrong!r} is no {what}{did_you_mean(wrong, known, cutoff=0.5)}; known are {', '.join(known)}"
    return Finding(file=file, line=0, path=path, message=message)
