"""How several faults of one request are said in one line."""

from common.api.base import joined
from leads.selection.filters import BadFilter


def test_whole_sentences_follow_each_other_without_a_semicolon():
    assert joined(["limit: Positive.", "mode: Choose one."]) == "limit: Positive. mode: Choose one."
    assert joined(["limit: no number", "mode: Choose one."]) == "limit: no number; mode: Choose one."
    assert str(BadFilter({"a": ["Not known."], "b": ["Not known."]})) == "a: Not known. b: Not known."
