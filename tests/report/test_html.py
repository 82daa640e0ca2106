"""Pieces of HTML: what is put into them cannot get out."""

from __future__ import annotations

import json
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from sptrader_stream.report.html import Cell, Markup, element, script_data, table
from sptrader_stream.report.months import monthly_returns
from tests.report.test_page import Outline

NASTY = "</script><!-- <b a=\"1\" b='2'> & \u2028\u2029"


@given(st.text(alphabet=st.sampled_from("</script>!-&\u2028'\"ab\\"), max_size=60))
def test_data_in_a_script_says_the_same_and_ends_nothing(text: str) -> None:
    written = script_data({"text": text})
    assert json.loads(written) == {"text": text}
    assert not set(written) & set("<>&\u2028\u2029")


def test_text_and_attributes_are_escaped_and_markup_is_not() -> None:
    made = element("p", NASTY, element("i", "x"), title=NASTY, class_="", data_from="1")
    (outer, attributes), inner = Outline(made).elements
    assert (outer, attributes) == ("p", {"title": NASTY, "data-from": "1"})
    assert inner == ("i", {})
    assert Outline(made).text == f"{NASTY}x"


def test_a_table_can_be_reached_and_read_by_keyboard_and_screen_reader() -> None:
    made = table("All of them.", (Cell("A"), Cell("B", "num")), [(Cell(NASTY), Cell(Markup("<b>1</b>"), "num"))])
    found = Outline(made).elements
    assert found[0] == ("div", {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": "table"})
    headings = [attributes for tag, attributes in found if tag == "th"]
    assert headings == [{"scope": "col"}, {"scope": "col", "class": "num"}]
    assert "caption" in [tag for tag, _ in found]
    assert NASTY in Outline(made).text


def test_months_compound() -> None:
    found = monthly_returns([(date(2024, 1, 30), 0.1), (date(2024, 1, 31), 0.1), (date(2024, 2, 1), -0.5)])
    assert {month: round(value, 12) for month, value in found.items()} == {(2024, 1): 0.21, (2024, 2): -0.5}
