"""A small valid strategy to bend in tests, and what its compilation says."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sptrader_stream.errors import Finding, StrategyError
from sptrader_stream.rules.loader import compile_strategy
from sptrader_stream.rules.plan import StrategyPlan

VALID = """\
name: sample
parameters:
  stop: 0.01
  period: 14
  field: high
entry:
  when:
    - signal: ma_crossover
      outputs:
        crossover_type: golden_cross
  action: buy
  size: 0.02
exit:
  stop_loss:
    type: percentage
    value: parameters.stop
"""


def compiled(text: str, **overrides: str) -> StrategyPlan:
    return compile_strategy(text, "sample.yaml", overrides)


def refused(text: str, overrides: Mapping[str, str] | None = None) -> list[Finding]:
    with pytest.raises(StrategyError) as caught:
        compile_strategy(text, "sample.yaml", overrides)
    return list(caught.value.findings)


def with_expression(expression: str, parameters: str = "{period: 14, level: 30.5, field: high}") -> str:
    """A strategy whose only entry rule is an expression, in line 5."""
    quoted = expression.replace("'", "''")
    return (
        f"name: sample\nparameters: {parameters}\nentry:\n  when:\n    - expr: '{quoted}'\n"
        "  action: buy\n  size: 0.02\n"
    )
