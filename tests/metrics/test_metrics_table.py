from __future__ import annotations

from sptrader_stream.metrics.summary import METRICS, Metrics


def test_every_metric_is_described_in_order() -> None:
    assert list(METRICS) == list(Metrics.__struct_fields__)


def test_descriptions_are_one_sentence_each_and_all_different() -> None:
    descriptions = [each.description for each in METRICS.values()]
    assert len(set(descriptions)) == len(descriptions)
    assert all(text.endswith(".") and "\n" not in text for text in descriptions)
