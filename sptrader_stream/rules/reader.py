"""Reads a document's tree into the Structs of ``schema``, noting everything that does not fit.

A value with a finding becomes ``INVALID`` and reading goes on with the next one, so that one pass names all mistakes.
"""

from __future__ import annotations

import functools
import operator
import types
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union

import msgspec

from sptrader_stream.errors import AmountError
from sptrader_stream.money import parse_scaled
from sptrader_stream.rules import document
from sptrader_stream.rules.document import Node, Scalar, Sequence, below, shown
from sptrader_stream.rules.fields import ByType, Mismatch, Number, Section, Special
from sptrader_stream.rules.findings import Findings, listed, nearest, nearest_name


class Invalid(Enum):
    """What stands for a value with a finding."""

    INVALID = "invalid"


INVALID: Final = Invalid.INVALID

Hook = Callable[[Node], object]

_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def truth(node: Node) -> bool | None:
    """What YAML's words for true and false say; None if ``node`` is neither."""
    return _TRUTHS.get(node.text) if isinstance(node, Scalar) and node.plain else None


@functools.cache
def _hints(section: type[Section]) -> dict[str, Any]:
    hints = typing.get_type_hints(section, include_extras=True)
    return {name: hints[name] for name in section.__struct_fields__}


def _members(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a union, None left out; any other annotation is its own only alternative."""
    if typing.get_origin(hint) in (Union, types.UnionType):
        return tuple(each for each in typing.get_args(hint) if each is not types.NoneType)
    return (hint,)


def _annotation(hint: Any) -> Any:
    return hint.__metadata__[0] if hasattr(hint, "__metadata__") else None


def _for_type(hint: Any, node: document.Mapping, section: type[Section]) -> Any:
    """What a number that depends on the ``type`` beside it may be."""
    annotation = _annotation(hint)
    if not isinstance(annotation, ByType):
        return hint
    given = node.items.get("type")
    (usual,) = (each.default for each in msgspec.structs.fields(section) if each.name == "type")
    kind = given.text if isinstance(given, Scalar) else usual
    return Annotated[Decimal, annotation.numbers.get(kind, annotation.any)]


def _is_section(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Section)


def expectation(hint: Any) -> str:
    """Say what may stand somewhere."""
    return " or ".join(_expected_one(each) for each in _members(hint))


def _expected_one(hint: Any) -> str:
    match _annotation(hint):
        case Number(what=what):
            return what
        case Special(value=what):
            return str(what)
    if typing.get_origin(hint) is Literal:
        return listed(typing.get_args(hint))
    if typing.get_origin(hint) is list:
        return "a list"
    if _is_section(hint):
        return f"a mapping with {listed(_hints(hint)).replace(' or ', ' and ')}"
    return "true or false" if hint is bool else "a text"


class Reader:
    """Reads nodes by annotations.

    Args:
        findings: where mistakes are noted.
        hooks: how to read each ``Special``; a hook notes its own findings and answers ``INVALID`` then.
        leverage: what bounds leveraged numbers.
    """

    def __init__(self, findings: Findings, hooks: Mapping[Special, Hook], leverage: Decimal) -> None:
        self._findings = findings
        self._hooks = hooks
        self._leverage = leverage

    def read(self, node: Node, hint: Any) -> Any:
        """Read ``node`` as ``hint`` wants it; ``INVALID`` if it does not fit."""
        members = _members(hint)
        if isinstance(node, Scalar) and node.broken:
            return INVALID
        for member in members:
            annotation = _annotation(member)
            if isinstance(annotation, Special):
                return self._hooks[annotation](node)
            match node:
                case document.Mapping() if _is_section(member):
                    return self._section(node, member)
                case Sequence() if typing.get_origin(member) is list:
                    return self._list(node, typing.get_args(member)[0])
                case Scalar() if isinstance(annotation, Number) and node.number is not None:
                    return self._number(node, node.number, annotation)
                case Scalar() if typing.get_origin(member) is Literal and node.text in typing.get_args(member):
                    return node.text
                case Scalar() if member is bool and (said := truth(node)) is not None:
                    return said
                case Scalar() if member is str and not node.is_null and node.number is None:
                    return node.text
                case Scalar() if annotation == "version" and not node.is_null:
                    return node.text
        return self._misfit(node, members, expectation(hint))

    def _misfit(self, node: Node, members: tuple[Any, ...], expected: str) -> Any:
        message = f"expected {expected}, found {shown(node)}"
        if isinstance(node, Scalar) and not node.is_null:
            choices = [text for each in members if typing.get_origin(each) is Literal for text in typing.get_args(each)]
            numeric = any(isinstance(_annotation(each), Number) for each in members)
            message += nearest(node.text, choices)
            if numeric and not node.plain and Scalar(0, "", node.text, plain=True).number is not None:
                message += "; write the number without quotes"
            if str in members:
                message += "; put it in quotes" if node.number is not None else ""
            if numeric and node.text.endswith("%"):
                message += "; write 2 % as 0.02"
        self._findings.add(node, message)
        return INVALID

    def _section(self, node: document.Mapping, section: type[Section]) -> Any:
        hints = {key: _for_type(hint, node, section) for key, hint in _hints(section).items()}
        values: dict[str, Any] = {}
        misspelt = set()
        for key, child in node.items.items():
            if key in hints:
                values[key] = self.read(child, hints[key])
            else:
                message = f"unknown key {key!r}{nearest(key, hints)} (known here: {', '.join(hints)})"
                self._findings.at(node.key_lines[key], below(node.path, key), message)
                misspelt.add(nearest_name(key, hints))
        for field in msgspec.structs.fields(section):
            if field.required and field.name in misspelt:
                values.setdefault(field.name, INVALID)
            elif field.required and field.name not in values:
                message = f"the key {field.name!r} is missing: {expectation(hints[field.name])}"
                self._findings.at(node.line, below(node.path, field.name), message)
                values[field.name] = INVALID
        if any(value is INVALID for value in values.values()):
            return INVALID
        read = section(**values)
        mismatches = list(read.mismatches())
        for each in mismatches:
            self._mismatch(node, each)
        return INVALID if mismatches else read

    def _mismatch(self, node: Node, mismatch: Mismatch) -> None:
        line, path, place = node.line, node.path, node
        for key in mismatch.keys:
            path = f"{path}[{key}]" if isinstance(key, int) else below(path, key)
            if isinstance(place, document.Mapping) and key in place.items:
                line, place = place.key_lines[str(key)], place.items[str(key)]
            elif isinstance(place, Sequence) and isinstance(key, int):
                place = place.items[key]
                line = place.line
        origin = f" (from {place.origin})" if isinstance(place, Scalar) and place.origin else ""
        self._findings.at(line, path, mismatch.message + origin)

    def _list(self, node: Sequence, hint: Any) -> Any:
        values = [self.read(item, hint) for item in node.items]
        return INVALID if any(value is INVALID for value in values) else values

    def _number(self, node: Scalar, text: str, wanted: Number) -> Any:
        try:
            # Exact decimals are held to the same bounds of size as scaled ones, at the finest scale.
            scaled = parse_scaled(text, 8 if wanted.digits is None else wanted.digits, f"expected {wanted.what}")
        except AmountError as error:
            self._findings.add(node, f"{error}" + (f" (from {node.origin})" if node.origin else ""))
            return INVALID
        value = Decimal(text)
        for bound, broken, words in (
            (wanted.above, operator.le, "more than"),
            (wanted.least, operator.lt, "at least"),
            (wanted.below, operator.ge, "less than"),
            (self._leverage if wanted.leveraged else wanted.most, operator.gt, "at most"),
        ):
            if bound is not None and broken(value, bound):
                hint = f": {wanted.hint}" if wanted.hint else ""
                self._findings.add(node, f"must be {words} {bound}, found {shown(node)}{hint}")
                return INVALID
        return value if wanted.digits is None else scaled
