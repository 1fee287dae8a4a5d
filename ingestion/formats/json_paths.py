"""JMESPaths: where in a record a value is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jmespath

from ingestion.formats.shape import Getter, Record, Shape


def shape(
    columns: Mapping[str, str], ignore: Iterable[str], also_known: Iterable[str] = (), reserved: Iterable[str] = ()
) -> Shape:
    """The shape of a table whose columns have JMESPaths.

    Args:
        columns: JMESPath of each column.
        ignore: fields that are not wanted.
        also_known: JMESPaths whose fields are used in another way.
        reserved: columns that somebody else fills.
    """
    parsed = [jmespath.compile(path).parsed for path in (*columns.values(), *also_known)]
    known = {*ignore, *(name for node in parsed for name in _top_fields(node))}
    return Shape({column: getter(path) for column, path in columns.items()}, known, reserved)


def plain_fields(columns: Mapping[str, str]) -> dict[str, str] | None:
    """The field that each column is, if each of them is one; None if a path looks inside a value."""
    chains = {column: _chain(jmespath.compile(path).parsed) or [] for column, path in columns.items()}
    return {column: chain[0] for column, chain in chains.items()} if all(map(_is_one, chains.values())) else None


def _is_one(chain: list[str]) -> bool:
    return len(chain) == 1


def getter(path: str) -> Getter:
    """What takes a JMESPath's value out of a record; plain chains of names without the interpreter."""
    compiled = jmespath.compile(path)
    names = _chain(compiled.parsed)
    if names is None:
        return compiled.search
    if len(names) == 1:
        (only,) = names
        return lambda record: record.get(only)

    def chained(record: Record) -> Any:
        value: Any = record
        for name in names:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    return chained


def _chain(node: Mapping[str, Any]) -> list[str] | None:
    if node["type"] == "field":
        return [node["value"]]
    if node["type"] != "subexpression":
        return None
    chains = [_chain(child) for child in node["children"]]
    return None if None in chains else [name for chain in chains for name in chain or ()]


def _top_fields(node: Mapping[str, Any]) -> set[str]:
    """The fields of the record itself that a parsed path starts from."""
    if node["type"] == "field":
        return {node["value"]}
    return _top_fields(node["children"][0]) if node["children"] else set()
