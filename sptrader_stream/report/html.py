"""Pieces of HTML that cannot be broken by what they are given: every text is escaped here and nowhere else."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

# A script element ends at the first "</script", whatever the JSON around it says, and "<!--" changes what follows.
_IN_SCRIPT: Final = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | Markup


class Cell(msgspec.Struct, frozen=True):
    """A cell of a table: its content and its classes."""

    content: Content
    classes: str = ""


def escaped(content: Content) -> str:
    """HTML for a text; markup stays as it is."""
    return content if isinstance(content, Markup) else html.escape(content)


def element(name: str, *contents: Content, **attributes: str) -> Markup:
    """An element; a trailing underscore of an attribute's name is dropped, others become hyphens."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"' for key, value in attributes.items() if value
    )
    return Markup(f"<{name}{written}>{''.join(map(escaped, contents))}</{name}>")


def joined(parts: Iterable[Content], between: str = "") -> Markup:
    """Contents one behind the other."""
    return Markup(html.escape(between).join(map(escaped, parts)))


def table(caption: Content, headings: Sequence[Cell], rows: Iterable[Sequence[Cell]], classes: str = "") -> Markup:
    """A table that scrolls by itself where it is too wide; the keyboard reaches it for that."""
    head = element("tr", *(element("th", each.content, scope="col", class_=each.classes) for each in headings))
    body = (element("tr", *(element("td", each.content, class_=each.classes) for each in row)) for row in rows)
    whole = element(
        "table", element("caption", caption), element("thead", head), element("tbody", *body), class_=classes
    )
    return scrolled(whole, "table")


def scrolled(content: Markup, label: str) -> Markup:
    """Something that may be wider than the page."""
    return element("div", content, class_="scroll", tabindex="0", role="region", aria_label=label)


def script_data(value: object) -> str:
    """JSON for the inside of a script element."""
    return msgspec.json.encode(value).decode().translate(_IN_SCRIPT)
