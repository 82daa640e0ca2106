"""The data contract: what candles must be like, and what to do where they are not.

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
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec

from sptrader_stream.errors import ConfigError, Finding, did_you_mean

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

POLICIES: Final[tuple[Policy, ...]] = get_args(Policy)
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


def make_policy(chosen: Mapping[str, object], base: DataPolicy = RESEARCH, file: str = "data policy") -> DataPolicy:
    """Complete a policy.

    Args:
        chosen: policies by kind, for the kinds that differ from ``base``.
        base: the policy of all other kinds.
        file: where ``chosen`` comes from, for the error.

    Raises:
        ConfigError: an unknown kind or policy; names the nearest one.
    """
    findings = []
    complete: dict[Any, Any] = dict(base)
    for kind, policy in chosen.items():
        known: tuple[str, ...] = KINDS if kind not in KINDS else POLICIES
        wrong = str(kind if kind not in KINDS else policy)
        if wrong in known:
            complete[kind] = policy
            continue
        what = "kind of finding" if kind not in KINDS else "policy"
        message = f"{wrong!r} is no {what}{did_you_mean(wrong, known, cutoff=0.5)}; known are {', '.join(known)}"
        findings.append(Finding(file=file, line=0, path=str(kind), message=message))
    if findings:
        raise ConfigError("\n".join(map(str, findings)))
    return complete


def load_policy(path: Path | str) -> DataPolicy:
    """Read ``config/data_policy.yaml``, a mapping of kinds to policies over those of research.

    Raises:
        ConfigError: it cannot be read, or names an unknown kind or policy.
    """
    import yaml

    file = str(path)
    try:
        document = yaml.load(
            Path(path).read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        )
    except OSError as error:
        raise ConfigError(f"{file}: cannot read the data policy: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: not valid YAML: {error}") from None
    if document is None:
        return RESEARCH
    if not isinstance(document, dict):
        raise ConfigError(f"{file}: expected a mapping of kinds to policies, found {type(document).__name__}")
    return make_policy(document, file=file)


def stricter(policy: DataPolicy) -> DataPolicy:
    """A policy for what is closer to trading than research is: what another only warns of, it blocks."""
    complete: dict[Any, Any] = {kind: "block" if each == "warn" else each for kind, each in policy.items()}
    return complete
