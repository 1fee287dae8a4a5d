"""The columns of relations, asked of the client's own backend for the sake of rewriting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift import protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standin.redshift.dialect.statement import Columns
    from standin.redshift.execution import Execution
    from standin.redshift.translation import Translator

_BEFORE, _AFTER = "select * from ", " as r"


async def describe_relations(
    execution: Execution, translator: Translator, relations: Sequence[str]
) -> dict[str, Columns]:
    """The (column, type) pairs of each relation, as `ColumnsNeeded` names them; none for one that does not exist.

    Raises `Failed` if Postgres refuses a query in parentheses, which the client's statement would meet, too.
    """
    queries = {relation: _query(relation, translator) for relation in relations}
    names = {relation: query[len(_BEFORE) : -len(_AFTER)] for relation, query in queries.items() if relation[:1] != "("}
    absent: set[str] = set()
    if names:
        tests = ", ".join(f"to_regclass({protocol.literal(name)}) is null" for name in names.values())
        (found,) = await execution.rows(f"select {tests}")
        absent = {relation for relation, is_null in zip(names, found, strict=True) if is_null == b"t"}
    described: dict[str, Columns] = dict.fromkeys(absent, ())
    for relation, query in queries.items():
        if relation not in absent:
            described[relation] = await _named(execution, await execution.describe(query))
    return described


def _query(relation: str, translator: Translator) -> str:
    query = f"{_BEFORE}{relation}{_AFTER}"
    if relation.startswith("("):
        return query
    made = translator.translate(query.encode())
    return made.text.decode() if made.changed else query


async def _named(execution: Execution, columns: Sequence[protocol.Column]) -> Columns:
    if not columns:
        return ()
    pairs = ", ".join(f"pg_catalog.format_type({each.type_oid}, {each.type_modifier})" for each in columns)
    (names,) = await execution.rows(f"select {pairs}")
    return tuple((each.name, (name or b"").decode()) for each, name in zip(columns, names, strict=True))
