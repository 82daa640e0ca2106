"""The text of an expression as a syntax tree of bounded size, and how mistakes in it are told."""

from __future__ import annotations

import ast
import math
import warnings
from typing import Final

LONGEST_TEXT: Final = 2_000
MOST_NODES: Final = 500
DEEPEST: Final = 80


class MistakeError(Exception):
    """One thing wrong in an expression; ``column`` is one-based."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(f"column {column}: {message}")
        self.column = column


class ExpressionError(Exception):
    """Everything found wrong in one expression, in the order of the text."""

    def __init__(self, mistakes: list[MistakeError]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda each: each.column))
        super().__init__("; ".join(map(str, self.mistakes)))


def mistake(node: ast.expr, message: str) -> MistakeError:
    """A mistake at ``node``."""
    return MistakeError(node.col_offset + 1, message)


def written(node: ast.expr) -> str:
    """The text of ``node``, cut if it is long."""
    text = ast.unparse(node)
    return text if len(text) <= 60 else text[:57] + "..."


def finite_number(node: ast.expr, value: object) -> int | float:
    """``value`` as a number of the language.

    Raises:
        MistakeError: it is none, or too large for a float.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise mistake(node, f"expected a number, found {written(node)}")
    try:
        if math.isfinite(value):
            return value
    except OverflowError:
        pass
    raise mistake(node, "is too large a number")


def parse(text: str) -> ast.expr:
    """Parse an expression; columns of the tree are those of ``text``.

    Raises:
        MistakeError: it is no Python expression, or too long, too deep or too large.
    """
    if len(text) > LONGEST_TEXT:
        raise MistakeError(LONGEST_TEXT + 1, f"an expression has at most {LONGEST_TEXT} characters, found {len(text)}")
    if not text.strip():
        raise MistakeError(1, "the expression is empty")
    for position, character in enumerate(text):
        if not character.isascii() or character in "#\\;":
            raise MistakeError(position + 1, f"the character {character!r} has no meaning here")
    # Folded YAML text may hold line breaks, which Python would end the expression at; columns stay as they are.
    flat = "".join(" " if character.isspace() else character for character in text)
    lead = len(flat) - len(flat.lstrip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(flat.strip(), mode="eval").body
    except SyntaxError as error:
        # A text that ends too early has its mistake behind its end.
        column = lead + error.offset if error.offset else len(flat.rstrip()) + 1
        raise MistakeError(column, _syntax_message(error, flat)) from None
    except (ValueError, RecursionError, MemoryError):
        raise MistakeError(1, "the expression is nested too deeply or holds a number too long") from None
    _limit(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.keyword):
            node.col_offset += lead
    return tree


def _syntax_message(error: SyntaxError, text: str) -> str:
    for wrong, right in (("&&", "and"), ("||", "or"), ("!", "not")):
        if wrong in text.replace("!=", ""):
            return f"cannot be read; write {right!r} for {wrong!r}"
    return f"cannot be read: {error.msg}"


def _limit(tree: ast.expr) -> None:
    """Bound nodes and depth before anything recurses over the tree."""
    level: list[ast.AST] = [tree]
    nodes = 0
    for _ in range(DEEPEST):
        nodes += len(level)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            break
    else:
        raise MistakeError(1, f"the expression is nested more than {DEEPEST} levels deep")
    if nodes > MOST_NODES:
        raise MistakeError(
            1, f"the expression has {nodes} parts, more than {MOST_NODES}: split it into several conditions"
        )
