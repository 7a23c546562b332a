import json
import sqlite3
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid.errors import FilterError
from ragbraid.index import filter_sql
from ragbraid.index.filter import check_fields, holds, matches, parse_filter
from ragbraid.index.metadata import decode, encode, is_plain
from soaking import count

KEYS = st.sampled_from(["n", "a", "b", "a.b", "source", 'q"', "tab\t", "ü"])
NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**53, 2**53 + 1, float(2**53), -(2**63), 2**63 - 1, 1e300, -0.0, 5e-324]),
    st.floats(allow_nan=False, allow_infinity=False),
)
STRINGS = st.one_of(
    st.sampled_from(["", "a", "1", "true", "a\0b", "'", "Straße", "%", "𝄞"]), st.text(max_size=3)
)
TIMES = st.datetimes(timezones=st.sampled_from([None, UTC])).map(lambda time: time.replace(fold=0))
DATES = st.one_of(st.dates(), TIMES, st.sampled_from([date(2024, 1, 31), datetime(2024, 1, 31)]))
SCALARS = st.one_of(
    st.none(), st.booleans(), NUMBERS, STRINGS.filter(lambda s: s.isprintable() or "\0" in s), DATES
)
VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.sampled_from("abk"), SCALARS, max_size=2)
)
METADATA = st.dictionaries(KEYS, VALUES, max_size=4)
ORDERED = st.one_of(NUMBERS, STRINGS.filter(lambda s: s.isprintable() or "\0" in s), DATES)
TESTS = st.one_of(
    st.tuples(st.sampled_from(["$eq", "$ne"]), SCALARS),
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), ORDERED),
    st.tuples(st.sampled_from(["$in", "$nin", "$any", "$all"]), st.lists(SCALARS, max_size=3)),
    st.tuples(st.sampled_from(["$text", "$itext"]), st.sampled_from(["", "a", "STRASSE", "\0"])),
    st.tuples(st.sampled_from(["$exists", "$empty"]), st.booleans()),
)
FIELDS = st.builds(
    lambda key, tests, negate: {key: {"$not": dict(tests)} if negate else dict(tests)},
    KEYS,
    st.lists(TESTS, min_size=1, max_size=2),
    st.booleans(),
)
FILTERS = st.recursive(
    st.one_of(FIELDS, st.builds(lambda key, value: {key: value}, KEYS, SCALARS)),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"$and": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"$or": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda part: {"$not": part}, inner),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def connection() -> Any:
    opened = sqlite3.connect(":memory:")
    filter_sql.register(opened)
    yield opened
    opened.close()


@settings(max_examples=count(1000, 20000), deadline=None)
@given(wanted=FILTERS, metadata=METADATA)
def test_sql_and_python_agree(connection: sqlite3.Connection, wanted: Any, metadata: Any) -> None:
    text = encode(metadata, "m")
    where = filter_sql.compile_filter(wanted, "m.metadata", "m.plain", "m.source")
    (selected,) = connection.execute(
        f"SELECT COUNT(*) FROM (SELECT ? AS metadata, ? AS plain, 'a.md' AS source) AS m WHERE {where.sql}",
        (text, is_plain(json.loads(text)), *where.parameters),
    ).fetchone()
    assert selected == holds(parse_filter(wanted), {"source": "a.md", **json.loads(text)})


@settings(max_examples=count(500, 5000), deadline=None)
@given(METADATA)
def test_metadata_comes_back_as_it_was(metadata: Any) -> None:
    back = decode(encode(metadata, "m"))
    assert back == metadata
    assert repr(back) == repr(metadata)


@given(st.one_of(FILTERS, st.recursive(SCALARS, lambda each: st.dictionaries(st.text(max_size=4), each))))
def test_any_value_is_a_filter_or_a_filter_error(wanted: Any) -> None:
    with suppress(FilterError):
        parse_filter(wanted)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"year": {"$gtt": 1}}, "filter.year.$gtt: '$gtt' is no operator here. Did you mean $gt?"),
        ({"year": {"gte": 1}}, "filter.year.gte: 'gte' is no operator here. Did you mean $gte?"),
        ({"$or": [{"a": 1}, 2]}, 'filter.$or[1]: an object was expected, not 2. Write {"field": value}.'),
        ({"$xor": []}, "filter.$xor: '$xor' is no operator here. Did you mean $or?"),
        ({"a": {"$in": 3}}, "filter.a.$in: $in takes a list, not 3."),
        ({"a": {"$gt": True}}, "filter.a.$gt: $gt takes a number or a string or a date, not True."),
        ({"a": {"$exists": 1}}, "filter.a.$exists: $exists takes true or false, not 1."),
        ({"a": {"$date": "soon"}}, "filter.a: 'soon' is no date. Write it as 2024-01-31."),
        ({"a": float("nan")}, "filter.a: nan can't be compared with metadata."),
        ([], 'filter: an object was expected, not []. Write {"field": value}.'),
    ],
)
def test_a_wrong_filter_is_told_where_and_why(wanted: Any, message: str) -> None:
    with pytest.raises(FilterError) as raised:
        parse_filter(wanted)
    assert str(raised.value) == message


def test_a_filter_too_deep_is_refused() -> None:
    wanted: Any = {"a": 1}
    for _ in range(5000):
        wanted = {"$not": wanted}
    with pytest.raises(FilterError, match="levels deep"):
        parse_filter(wanted)


def test_only_declared_fields_may_be_named() -> None:
    node = parse_filter({"$or": [{"lang": "en"}, {"$not": {"source": "a"}}, {"yaer": 1}]})
    with pytest.raises(FilterError, match=r"'yaer'.*Did you mean 'year'"):
        check_fields(node, {"lang": "str", "year": "int"})
    check_fields(node, {"lang": "str", "yaer": "int"})
    check_fields(node, {})


def test_types_are_apart() -> None:
    assert matches({"n": 1}, {"n": 1.0})
    assert not matches({"n": 1}, {"n": True})
    assert not matches({"n": 1}, {"n": "1"})
    assert not matches({"n": {"$gt": 0}}, {"n": "1"})
    assert matches({"n": {"$ne": 1}}, {})
    assert not matches({"when.$us": 0}, {"when": date(1970, 1, 1)})
