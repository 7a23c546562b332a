"""LlamaIndex's metadata filters in ragbraid's filter language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from ragbraid.errors import FilterError

_OPERATORS: Mapping[FilterOperator, str] = {
    FilterOperator.EQ: "$eq",
    FilterOperator.NE: "$ne",
    FilterOperator.GT: "$gt",
    FilterOperator.GTE: "$gte",
    FilterOperator.LT: "$lt",
    FilterOperator.LTE: "$lte",
    FilterOperator.IN: "$in",
    FilterOperator.NIN: "$nin",
    FilterOperator.ANY: "$any",
    FilterOperator.ALL: "$all",
    FilterOperator.TEXT_MATCH: "$text",
    FilterOperator.TEXT_MATCH_INSENSITIVE: "$itext",
    FilterOperator.CONTAINS: "$eq",
    FilterOperator.IS_EMPTY: "$empty",
}
_LISTS = (FilterOperator.IN, FilterOperator.NIN, FilterOperator.ANY, FilterOperator.ALL)
_CONDITIONS: Mapping[FilterCondition, Callable[[list[Any]], dict[str, Any]]] = {
    FilterCondition.AND: lambda parts: {"$and": parts},
    FilterCondition.OR: lambda parts: {"$or": parts},
    FilterCondition.NOT: lambda parts: {"$not": {"$or": parts}},
}


def translated(filters: MetadataFilters | Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The same condition for ragbraid; None for no filter. One in ragbraid's own language stays as it is.

    All 14 operators, nested to any depth; `not` lets through what none of its filters holds for. A field that
    holds a list meets a comparison where one of its elements does; a missing one only `!=`, `nin` and
    `is_empty`. Raises `FilterError` for what can't be compared.
    """
    if filters is None:
        return None
    if isinstance(filters, Mapping):
        return dict(filters) or None
    if not isinstance(filters, MetadataFilters):
        raise FilterError(f"A filter is MetadataFilters, not {filters!r}.")
    parts = [_translated(each) for each in filters.filters]
    return _CONDITIONS[filters.condition or FilterCondition.AND](parts) if parts else None


def _translated(given: MetadataFilter | MetadataFilters) -> dict[str, Any]:
    if isinstance(given, MetadataFilters):
        return translated(given) or {"$and": []}
    if given.operator is FilterOperator.IS_EMPTY:
        return {given.key: {"$empty": True}}
    if given.value is None:
        absent = {"$or": [{given.key: {"$exists": False}}, {given.key: None}]}
        if given.operator is FilterOperator.EQ:
            return absent
        if given.operator is FilterOperator.NE:
            return {"$not": absent}
        raise FilterError(f"The filter on {given.key!r} compares by {given.operator.value!r} with nothing.")
    value = given.value
    if given.operator in _LISTS and not isinstance(value, list):
        raise FilterError(
            f"The filter on {given.key!r}: {given.operator.value!r} takes a list, not {value!r}."
        )
    return {given.key: {_OPERATORS[given.operator]: value}}
