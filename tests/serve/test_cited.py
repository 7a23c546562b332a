"""Where a citation stands in what OpenAI's clients read."""

from __future__ import annotations

from ragbraid.serve.openai.cited import cited
from ragbraid.types import Answer, Citation, Hit

HITS = tuple(Hit(f"h{n}", f"{n}.md", 0, 9, f"Passage {n}") for n in (1, 2, 3))


def place(answer: Answer) -> list[str]:
    noted = [each["url_citation"] for each in cited(answer, answer.text)]
    return [f"{each['title']} {answer.text[each['start_index'] : each['end_index']]}" for each in noted]


def of(hit: Hit, quote: str = "not in the text") -> Citation:
    return Citation(hit.source, 0, len(quote), quote, "", chunk_id=hit.id)


def test_a_marker_means_the_passage_and_not_the_citation() -> None:
    text = "Leave is long [3]. Desks are free [2, 1]."
    answer = Answer(text, citations=(of(HITS[2]), of(HITS[1]), of(HITS[0])), hits=HITS)
    assert place(answer) == ["3.md [3]", "2.md [2, 1]", "1.md [2, 1]"]


def test_a_passage_that_is_cited_again_is_at_its_next_marker() -> None:
    answer = Answer("A [2]. B [1]. C [2].", citations=(of(HITS[1]), of(HITS[0]), of(HITS[1])), hits=HITS)
    begins = [each["url_citation"]["start_index"] for each in cited(answer, answer.text)]
    assert begins == [2, 9, 16]


def test_a_quote_in_the_text_is_its_own_place() -> None:
    answer = Answer("See [1]: ninety days", citations=(of(HITS[0], "ninety days"),), hits=HITS)
    assert place(answer) == ["1.md ninety days"]
