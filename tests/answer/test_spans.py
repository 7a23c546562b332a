"""Where a short answer may lie."""

from hypothesis import given
from hypothesis import strategies as st

from ragbraid.answer.spans import spans


def test_cuts_at_the_questions_words_and_behind_punctuation() -> None:
    text = "The bridge, 412 metres long, was opened in May 1932 by Ada Lind."
    assert spans([text], "Who opened the bridge?") == ("412 metres long,", "May 1932 by Ada Lind.")


def test_keeps_the_texts_where_the_question_says_it_all() -> None:
    assert spans(["Iron melts."], "Does iron melt?") == ("Iron melts.",)
    assert spans(["水は百度で沸騰する。"], "水は何度で沸騰する") == ("水は百度で沸騰する。",)


@given(st.lists(st.text(), min_size=1), st.text())
def test_every_piece_stands_in_a_text(texts: list[str], question: str) -> None:
    found = spans(texts, question)
    assert found
    assert all(any(piece in text for text in texts) for piece in found)
