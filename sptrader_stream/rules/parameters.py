"""Values under ``parameters``: overridden from outside, put where the file refers to them as ``parameters.NAME``."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping as Values
from typing import Any

import msgspec

from sptrader_stream.rules.document import Mapping, Node, Scalar, Sequence, shown
from sptrader_stream.rules.findings import Findings, nearest

_REFERENCE = re.compile(r"parameters\.(.+)\Z", re.DOTALL)
# Prose and expressions are not values: expressions resolve their own references.
_PROSE = frozenset({"name", "version", "author", "description"})


class Parameters:
    """The parameters of one file, and which of them are used.

    Args:
        top: the whole document.
        overrides: texts by name, as given outside.
        findings: where mistakes are noted.
    """

    def __init__(self, top: Mapping, overrides: Values[str, str], findings: Findings) -> None:
        self._findings = findings
        self._overrides = overrides
        self._values: dict[str, Scalar] = {}
        self._used: set[str] = set()
        section = top.items.get("parameters")
        if isinstance(section, Mapping):
            for name, node in section.items.items():
                self._take(name, node, section.key_lines[name])
        for name in overrides:
            if name not in self._values and not (isinstance(section, Mapping) and name in section.items):
                known = f" (there are: {', '.join(self._values) or 'none'})"
                message = f"there is no parameter {name!r} to override{nearest(name, self._values)}{known}"
                findings.at(0, f"parameters.{name}", message)

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of the file."""
        return tuple(self._values)

    @property
    def values(self) -> dict[str, str]:
        """The values in use, as text."""
        return {name: scalar.text for name, scalar in self._values.items()}

    @property
    def unused(self) -> tuple[str, ...]:
        """Names that nothing referred to so far."""
        return tuple(name for name in self._values if name not in self._used)

    def get(self, name: str) -> Scalar | None:
        """The value of a name, which counts as used from now on; None if there is no such name."""
        self._used.add(name)
        return self._values.get(name)

    def substituted(self, node: Node, key: str = "") -> Node:
        """``node`` with every reference in it replaced by the value; it keeps its own line and path."""
        match node:
            case Mapping(line, path, items, key_lines):
                children = {
                    name: child if _is_literal(path, name) else self.substituted(child, name)
                    for name, child in items.items()
                }
                return Mapping(line, path, children, key_lines)
            case Sequence(line, path, items):
                return Sequence(line, path, tuple(self.substituted(each) for each in items))
            case Scalar() if match_ := _REFERENCE.match(node.text):
                return self._resolved(node, match_[1])
        return node

    def refuse_idle_overrides(self, top: Mapping) -> None:
        """Note a finding for every override that changes nothing, because nothing refers to its parameter."""
        section = top.items.get("parameters")
        for name in self.unused:
            if name not in self._overrides or not isinstance(section, Mapping):
                continue
            written = section.items[name]
            same = [each for each in _scalars(top, skip="parameters") if _same(each, written)]
            likely = [each for each in same if name in each.path.split(".")] or same
            places = ", ".join(f"{each.path} (line {each.line})" for each in likely[:4])
            where = f", it seems at {places}, where {likely[0].text} is written out" if likely else ""
            message = (
                f"overriding {name!r} would change nothing, because nothing in the file refers to it:"
                f" write `parameters.{name}` where the value is to count{where}"
            )
            self._findings.at(written.line, written.path, message)

    def _take(self, name: str, node: Node, line: int) -> None:
        if not name.isidentifier() or keyword.iskeyword(name) or not name.isascii():
            message = f"{name!r} cannot be a parameter's name: use letters, digits and _, as in stop_loss"
            self._findings.at(line, node.path, message)
        elif not isinstance(node, Scalar) or node.is_null:
            self._findings.add(node, f"a parameter is a number or a text, found {shown(node)}")
        elif _REFERENCE.match(node.text):
            self._findings.add(node, "a parameter has a value of its own and cannot refer to another one")
        else:
            self._values[name] = self._overridden(name, node)

    def _overridden(self, name: str, written: Scalar) -> Scalar:
        given = self._overrides.get(name)
        if given is None:
            return msgspec.structs.replace(written, origin=f"parameters.{name}")
        value = Scalar(written.line, written.path, given, plain=True, origin=f"parameters.{name}, overridden")
        if written.number is None:
            return msgspec.structs.replace(value, plain=written.plain)
        if value.number is None:
            self._findings.add(written, f"is a number ({written.text}) and cannot be overridden by {given!r}")
            return written
        return value

    def _resolved(self, node: Scalar, name: str) -> Scalar:
        value = self.get(name)
        if value is not None:
            return msgspec.structs.replace(value, line=node.line, path=node.path)
        known = f" (there are: {', '.join(self._values) or 'none'})"
        hint = "" if name.isidentifier() else "; arithmetic is only for `expr`"
        self._findings.add(node, f"there is no parameter {name!r}{nearest(name, self._values)}{known}{hint}")
        return msgspec.structs.replace(node, broken=True)


def _is_literal(path: str, key: str) -> bool:
    return key == "expr" or (not path and (key in _PROSE or key == "parameters"))


def _scalars(node: Node, skip: str = "") -> list[Scalar]:
    match node:
        case Scalar():
            return [node]
        case Sequence(items=items):
            return [scalar for each in items for scalar in _scalars(each)]
        case Mapping(items=children):
            return [scalar for key, each in children.items() if key != skip for scalar in _scalars(each)]


def _same(one: Scalar, other: Any) -> bool:
    if one.number is None or not isinstance(other, Scalar) or other.number is None:
        return False
    return float(one.number) == float(other.number)
