"""A YAML file as a tree that knows its lines and key paths, and keeps every scalar's text as it was written.

Decimals are read from that text and never pass through a float. The tree is built from the parser's events under
limits on size, depth and number of nodes, so that hostile files (alias bombs, endless nesting) fail like any other
mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

import msgspec

from sptrader_stream.errors import Finding, StrategyError

if TYPE_CHECKING:
    import yaml

LARGEST_FILE: Final = 256 * 1024
MOST_NODES: Final = 10_000
DEEPEST: Final = 40

_NUMBER = re.compile(r"[+-]?(\d[\d_]*(\.[\d_]*)?|\.\d[\d_]*)([eE][+-]?\d{1,4})?\Z", re.ASCII)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Scalar(msgspec.Struct, frozen=True):
    """A text, number or nothing.

    Attributes:
        line: one-based.
        path: the keys from the top.
        text: as written, without quotes.
        plain: whether it was written without quotes.
        origin: where the text comes from if it is not written here: ``parameters.x``, perhaps overridden.
        broken: whether a finding about it was noted already.
    """

    line: int
    path: str
    text: str
    plain: bool
    origin: str = ""
    broken: bool = False

    @property
    def is_null(self) -> bool:
        """Whether nothing was written, or YAML's word for it."""
        return self.plain and self.text in _NULLS

    @property
    def number(self) -> str | None:
        """The decimal text, None if this is no number."""
        return self.text.replace("_", "") if self.plain and _NUMBER.match(self.text) else None


class Sequence(msgspec.Struct, frozen=True):
    """A YAML list."""

    line: int
    path: str
    items: tuple[Node, ...]


class Mapping(msgspec.Struct, frozen=True):
    """A YAML mapping with text keys; ``key_lines`` says where each key stands."""

    line: int
    path: str
    items: dict[str, Node]
    key_lines: dict[str, int]


Node: TypeAlias = Scalar | Sequence | Mapping


def shown(node: Node) -> str:
    """Say in an error what was found."""
    match node:
        case Scalar() if node.is_null:
            return "nothing"
        case Scalar(text=text):
            kind = "the number" if node.number is not None else "the text"
            short = text if len(text) <= 60 else text[:57] + "..."
            written = short if node.number is not None else repr(short)
            return f"{kind} {written}" + (f" (from {node.origin})" if node.origin else "")
        case Sequence():
            return "a list"
        case Mapping():
            return "a mapping"


def below(path: str, key: str) -> str:
    """The path of ``key`` in the mapping at ``path``."""
    return f"{path}.{key}" if path else key


def read_text(path: Path) -> str:
    """Read a strategy file.

    Raises:
        StrategyError: it cannot be read, is too large, or is not text in UTF-8.
    """
    file = str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise StrategyError([_finding(file, 0, "", f"cannot be read: {error.strerror}")]) from None
    if len(data) > LARGEST_FILE:
        raise StrategyError([_finding(file, 0, "", f"is larger than {LARGEST_FILE // 1024} KiB: not a strategy file")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise StrategyError([_finding(file, line, "", "is not text in UTF-8: save it as UTF-8")]) from None
    for number, row in enumerate(text.split("\n"), 1):
        for character in row:
            if character < " " and character not in "\t\r":
                message = f"holds the control character U+{ord(character):04X}: this is not a YAML text file"
                raise StrategyError([_finding(file, number, "", message)])
    return text


def parse(text: str, file: str) -> tuple[Mapping, list[Finding]]:
    """Read YAML text whose top is a mapping.

    Args:
        text: the file's text.
        file: how to call the file in findings.

    Returns:
        The tree, and findings that do not keep the rest from being examined (repeated keys).

    Raises:
        StrategyError: the text is not one YAML document with a mapping at its top.
    """
    import yaml

    # libyaml's parser is some ten times as fast, where PyYAML was built with it.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(file)
    try:
        top = builder.document(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        raise StrategyError([_syntax_finding(file, text, error)]) from None
    except yaml.YAMLError as error:
        raise StrategyError([_finding(file, 0, "", f"is not YAML: {error}")]) from None
    if top is None or (isinstance(top, Scalar) and top.is_null):
        raise StrategyError([_finding(file, 0, "", "is empty: a strategy has at least name, entry and exit")])
    if not isinstance(top, Mapping):
        message = f"a strategy is a mapping of keys such as `name: ...`, found {shown(top)}"
        raise StrategyError([_finding(file, top.line, "", message)])
    return top, builder.findings


def _finding(file: str, line: int, path: str, message: str) -> Finding:
    return Finding(file=file, line=line, path=path, message=message)


def _syntax_finding(file: str, text: str, error: yaml.MarkedYAMLError) -> Finding:
    mark: yaml.Mark | None = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    rows = text.splitlines()
    row = rows[line - 1] if 0 < line <= len(rows) else ""
    message = f"is not YAML: {error.problem or error.context}"
    if error.context and error.problem and error.context_mark:
        message += f" ({error.context}, line {error.context_mark.line + 1})"
    tabbed = row[: len(row) - len(row.lstrip())]
    if "\t" in tabbed:
        message = "is indented with a tab: YAML wants spaces"
    return _finding(file, line, "", message)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


class _Builder:
    """Turns parser events into nodes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []
        self._nodes = 0

    def document(self, events: Iterator[Any]) -> Node | None:
        import yaml

        top: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    message = "a second YAML document starts here: a strategy file holds one"
                    raise StrategyError([_finding(self.file, _line(event), "", message)])
                top = self._node(next(events), events, "", 0)
        return top

    def _node(self, event: Any, events: Iterator[Any], path: str, depth: int) -> Node:
        import yaml

        line = _line(event)
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._stop(line, path, f"the file has more than {MOST_NODES} values")
        if depth > DEEPEST:
            self._stop(line, path, f"is nested more than {DEEPEST} levels deep")
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self._stop(
                line,
                path,
                "anchors (&) and aliases (*) are not used here: put the value under `parameters`"
                " and refer to it as `parameters.<name>`; quote a text that starts with & or *",
            )
        if event.tag is not None and event.tag != "!":
            self._stop(line, path, f"YAML tags are not used here, found {event.tag}")
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(line, path, event.value, bool(event.implicit[0]))
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(item := next(events), yaml.SequenceEndEvent):
                items.append(self._node(item, events, f"{path}[{len(items)}]", depth + 1))
            return Sequence(line, path, tuple(items))
        return self._mapping(line, events, path, depth)

    def _mapping(self, line: int, events: Iterator[Any], path: str, depth: int) -> Mapping:
        import yaml

        items: dict[str, Node] = {}
        key_lines: dict[str, int] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._node(event, events, path, depth + 1)
            if not isinstance(key, Scalar):
                self._stop(key.line, path, f"a key is a text, found {shown(key)}")
            value = self._node(next(events), events, below(path, key.text), depth + 1)
            if key.text in items:
                message = f"the key {key.text!r} is given twice; the first is in line {key_lines[key.text]}"
                self.findings.append(_finding(self.file, key.line, below(path, key.text), message))
            else:
                items[key.text] = value
                key_lines[key.text] = key.line
        return Mapping(line, path, items, key_lines)

    def _stop(self, line: int, path: str, message: str) -> NoReturn:
        raise StrategyError([*self.findings, _finding(self.file, line, path, message)])
