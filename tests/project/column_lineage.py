"""Where the values of a column come from, read off compiled SQL: which columns of which relations are in it.

What merely decides about a value is not in it: a column that is counted, compared or tested for null. So
`email_address is not null` says nothing about the address; `lower(email_address)`, `coalesce(email_address, '')`,
`md5(email_address)` (whoever has a list of addresses undoes that) and a case that gives it out all hold it. One
function takes a value away: the keyed `pseudonym`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

Column = tuple[str, str]
"""A relation (`schema.name`) and one of its columns."""

PSEUDONYM = "pseudonym"

# what comes out of them is a number of rows, or yes or no
_TELLS_NO_VALUE = (exp.Count, exp.CountIf, exp.Predicate, exp.Not, exp.Connector, exp.Length)

# where a part of an expression only decides, or orders: the parts that are given out
_GIVEN_OUT: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Case: ("ifs", "default"),
    exp.If: ("true", "false"),
    exp.Filter: ("this",),
    exp.Window: ("this",),
    exp.Select: ("expressions",),
}


def sources_of(sql: str, columns: Mapping[str, Mapping[str, str]]) -> dict[str, set[Column]]:
    """The columns whose values are in each column of a select.

    Args:
        sql: one select, for Postgres.
        columns: of each relation that may be read (`schema.name`), its columns and their types.

    Raises:
        sqlglot.errors.SqlglotError: the SQL cannot be read, or a column is of no relation that is known.
    """
    places: dict[str, dict[str, dict[str, str]]] = {}
    for relation, known in columns.items():
        place, name = relation.split(".")
        places.setdefault(place, {})[name] = dict(known)
    tree = qualify(
        parse_one(sql, dialect="postgres"),
        dialect="postgres",
        schema=dict(places),
        quote_identifiers=False,
        identify=False,
    )
    scope = build_scope(tree)
    if scope is None:
        raise ValueError("this is no select")
    found = _Scopes()
    return {name: found.of_output(scope, name) for name in _query(scope).named_selects}


class _Scopes:
    """Follows columns through subqueries, and remembers what it has found."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], set[Column]] = {}

    def of_output(self, scope: Scope, name: str) -> set[Column]:
        """The sources of a column that a scope gives out."""
        key = (id(scope), name)
        if key not in self._known:
            # a recursive query asks for itself
            self._known[key] = set()
            self._known[key] = self._find(scope, name)
        return self._known[key]

    def _find(self, scope: Scope, name: str) -> set[Column]:
        if scope.set_operation_scopes:
            position = _query(scope).named_selects.index(name)
            return {
                source
                for each in scope.set_operation_scopes
                for source in self.of_output(each, _query(each).named_selects[position])
            }
        selected = next(one for one in _query(scope).selects if one.alias_or_name == name)
        return {source for column in _carried(selected) for source in self._of_column(scope, column)}

    def _of_column(self, scope: Scope, column: exp.Column) -> set[Column]:
        at: Scope | None = scope
        while at is not None:
            source = at.sources.get(column.table)
            if isinstance(source, Scope):
                return self.of_output(source, column.name)
            if isinstance(source, exp.Table):
                return {(f"{source.db}.{source.name}", column.name)}
            # a subquery may speak of what surrounds it
            at = at.parent
        inner = column.find_ancestor(exp.Subquery)
        for each in scope.subquery_scopes:
            if inner is not None and each.expression is inner.this:
                return self._of_column(each, column)
        raise ValueError(f"{column.sql()} is of no relation in sight")


def _query(scope: Scope) -> exp.Query:
    if not isinstance(scope.expression, exp.Query):
        raise TypeError(f"{scope.expression.sql()} is no query")
    return scope.expression


def _carried(node: exp.Expr) -> Iterator[exp.Column]:
    """The columns whose values an expression gives out."""
    if isinstance(node, exp.Column):
        yield node
    elif not (isinstance(node, _TELLS_NO_VALUE) or _is_pseudonym(node)):
        for part in _parts(node):
            yield from _carried(part)


def _parts(node: exp.Expr) -> Iterator[exp.Expr]:
    names = _GIVEN_OUT.get(type(node))
    if names is None:
        yield from node.iter_expressions()
        return
    for name in names:
        found = node.args.get(name)
        yield from (one for one in (found if isinstance(found, list) else [found]) if one is not None)


def _is_pseudonym(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() == PSEUDONYM
