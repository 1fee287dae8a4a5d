"""The engine: a statement's tokens, edited in place, become Postgres' statement.

**How it goes.** `rewrite` splits the text, makes a `Draft` of every statement and runs two things over it:

1. the *handler* of the leading keyword (`HANDLERS`): it knows the whole statement (CREATE TABLE, MERGE, SHOW …);
2. the *passes* (`PASSES`), in order, over the tokens of every statement that the handler did not `finish`:
   refusals, SUPER, decimals, query clauses, type names, functions, catalogue relations, long names.

**What a module has to offer.** One function `rewrite(draft: Draft) -> None`, listed below. It edits the draft, sets its
properties (`tag`, `commits`, `outside_transaction`, `action`, `comment`), calls `draft.finish(sql)` when it has written
the whole of Postgres' statement itself, or raises `DialectError` (`draft.error(...)`, `draft.unsupported(...)`).

**How to edit.** See `draft`. A piece of SQL inside a body or a literal goes through `fragment`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from standin.redshift.dialect.draft import Draft
from standin.redshift.dialect.lexer import Token, join, lex, split
from standin.redshift.dialect.statement import Context, Statement

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Draft", "Token", "fragment", "nothing", "rewrite"]

# what takes part in no transaction, touches nothing and returns no rows
NOTHING = "DO 'BEGIN END'"


def fragment(sql: str, context: Context) -> str:
    """A piece of SQL (a query, an expression, a procedure's body) after all passes.

    Raises what the passes raise; positions in errors count from the piece's own beginning.
    """
    draft = Draft(lex(sql), context)
    for run in _passes():
        run(draft)
    return join(draft.tokens)


def rewrite(sql: str, context: Context) -> list[Statement]:
    """The statements of a client's text, ready for Postgres; at least one, which may be empty.

    Raises `DialectError` if Redshift would refuse one of them or the stand-in cannot do it, and `ColumnsNeeded` if the
    columns of relations must be known: ask the backend and call again with `context.columns`.
    """
    pieces = [piece for piece in split(lex(sql)) if len(piece) > 1]
    if not pieces:
        return [Statement(sql)]
    statements = []
    for piece in pieces:
        start = piece[0].start - len(piece[0].before)
        draft = Draft(piece, context)
        if not any(token.kind == "broken" for token in piece):
            run(draft)
        statements.append(draft.statement(start))
    if len(statements) == 1 and join(pieces[0]) == statements[0].text and statements[0].text in sql:
        only = statements[0]
        if only == Statement(only.text, only.kind, start=only.start):
            return [Statement(sql, only.kind)]
    return statements


def nothing(draft: Draft, tag: str) -> None:
    """Redshift treats the statement as housekeeping: accept it, report its tag, do nothing."""
    draft.finish(NOTHING, tag)


def run(draft: Draft) -> None:
    """Run the handler and the passes over one statement."""
    handler = _governing(draft) or _handler(draft.kind)
    if handler is not None:
        handler(draft)
    if draft.kind == "show" and not draft.finished:
        import_module("standin.redshift.dialect.session").show(draft)
    if not draft.finished:
        for one in _passes():
            one(draft)


# module: the leading keywords whose statements it knows
_HANDLERS = {
    "ddl": "create alter drop refresh comment",
    "dml": "insert update delete merge truncate lock call copy unload declare fetch close prepare execute deallocate",
    "grants": "grant revoke",
    "session": "set reset begin start commit end rollback abort use vacuum analyze analyse cancel explain",
    "show": "show desc describe",
    "refuse": "savepoint release listen notify unlisten cluster reindex checkpoint discard load security move values "
    "table reassign import do",
}


def _governing(draft: Draft) -> Callable[[Draft], None] | None:
    from standin.redshift.dialect import governance

    return governance.rewrite if governance.concerns(draft) else None


@cache
def _handler(kind: str) -> Callable[[Draft], None] | None:
    for name, words in _HANDLERS.items():
        if kind in words.split():
            module = import_module(f"standin.redshift.dialect.{name}")
            handler: Callable[[Draft], None] = module.statement if name == "refuse" else module.rewrite
            return handler
    return None


@cache
def _passes() -> tuple[Callable[[Draft], None], ...]:
    from standin.redshift.dialect import decimals, functions, names, overlays, query, refuse, super, typenames

    return (
        refuse.rewrite,
        super.rewrite,
        decimals.rewrite,
        query.rewrite,
        typenames.rewrite,
        functions.rewrite,
        overlays.rewrite,
        names.rewrite,
    )
