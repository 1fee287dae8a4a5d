"""INSERT, UPDATE, DELETE, MERGE, TRUNCATE and their kin: Redshift's forms and rules.

Sources: each statement's page in the SQL reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect.blocks import Clause
from standin.redshift.dialect.lexer import lex, quote_literal, quote_name, split
from standin.redshift.dialect.sources import sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.redshift.dialect.rewrite import Draft


def rewrite(draft: Draft) -> None:
    """Handler of statements that read or change data in a form of Redshift's own."""
    handler = _HANDLERS.get(draft.kind)
    if handler is not None:
        handler(draft)


def _insert(draft: Draft) -> None:
    if draft.word(1) != "into":
        draft.syntax_error(1)
    _, after = draft.name(2)
    # Redshift gives the target no other name
    if draft.word(after) == "as" or (draft.is_name(after) and draft.word(after) not in _AFTER_TARGET):
        draft.syntax_error(after)


_AFTER_TARGET = frozenset({"values", "select", "with", "default", "overriding", "on", "returning", "table"})


def _update(draft: Draft) -> None:
    _, after = draft.name(1)
    place = next((here for here in draft.outermost(after, len(draft.tokens)) if draft.word(here) == "set"), None)
    if place is None:
        draft.syntax_error(after)
    if draft.mark(place + 1) == "(":
        draft.syntax_error(place + 1)


def _delete(draft: Draft) -> None:
    at = 1
    if draft.word(1) != "from":
        draft.insert(1, "from")
    at = 2
    _, after = draft.name(at)
    if draft.is_name(after) and draft.word(after) not in ("using", "where", "returning"):
        draft.syntax_error(after)


def _truncate(draft: Draft) -> None:
    at = 2 if draft.word(1) == "table" else 1
    parts, after = draft.name(at)
    if not parts or draft.kind_at(after) != "end":
        draft.syntax_error(after)
    draft.commits = True


def _lock(draft: Draft) -> None:
    """Redshift takes the strongest lock, inside a transaction or not."""
    at = 2 if draft.word(1) == "table" else 1
    relations = []
    for lo, hi in draft.split(at, len(draft.tokens) - 1):
        parts, after = draft.name(lo)
        if not parts or after != hi:
            draft.syntax_error(after)
        relations.append(".".join(quote_name(part) for part in parts))
    if not relations:
        draft.syntax_error(at)
    draft.finish(f"do {quote_literal('begin lock table ' + ', '.join(relations) + '; end')}", "LOCK TABLE")


def _copy(draft: Draft) -> None:
    words = {draft.word(here) for here in draft.outermost(0, len(draft.tokens))}
    if "stdin" in words or "stdout" in words:
        # the COPY sub-protocol is Postgres' own; tools that speak it are let through
        return
    from standin.redshift.s3 import parse_copy

    command = parse_copy(draft.source, case_sensitive=draft.context.case_sensitive)
    draft.finish(command.shown)
    draft.action = command


def _unload(draft: Draft) -> None:
    from standin.redshift.s3 import parse_unload

    def query(sql: str) -> str:
        return _one_query(sql, draft)

    command = parse_unload(draft.source, rewrite=query, case_sensitive=draft.context.case_sensitive)
    draft.finish(command.shown)
    draft.action = command


def _one_query(sql: str, draft: Draft) -> str:
    """The one query inside of UNLOAD, for Postgres."""
    from standin.redshift.dialect.rewrite import Draft as Inner
    from standin.redshift.dialect.rewrite import run

    pieces = [piece for piece in split(lex(sql)) if len(piece) > 1]
    if len(pieces) != 1:
        draft.syntax_error(0)
    inner = Inner(pieces[0], draft.context)
    if inner.kind not in ("select", "with"):
        inner.syntax_error(0)
    run(inner)
    return inner.statement(0).text.strip()


def _declare(draft: Draft) -> None:
    at = 2
    if draft.word(at) != "cursor":
        draft.syntax_error(at)
    if draft.word(at + 1) == "without" and draft.word(at + 2) == "hold":
        # not in the reference; psycopg2's named cursors say it to every Redshift
        at += 2
    if draft.word(at + 1) != "for":
        draft.syntax_error(at + 1)


def _fetch(draft: Draft) -> None:
    if draft.word(1) in ("prior", "first", "last", "absolute", "relative", "backward"):
        draft.error("Only forward-only cursors are supported", 1, "0A000")


def _merge(draft: Draft) -> None:
    """MERGE; Redshift wants both WHEN clauses, or REMOVE DUPLICATES, and another name only for the source."""
    if draft.word(1) != "into":
        draft.syntax_error(1)
    target, after = draft.name(2)
    if draft.word(after) != "using":
        draft.syntax_error(after)
    if draft.mark(after + 1) == "(":
        draft.error("Source view/subquery in Merge statement not supported yet.", after + 1, "0A000")
    on = _outer(draft, "on", after)
    listed = sources(draft, Clause(after, after + 1, on))
    if not listed:
        draft.syntax_error(after + 1)
    source = listed[0]
    if source.parts == tuple(target):
        draft.error("Source and target of a MERGE cannot be the same table", after + 1, "0A000")
    for here in range(on, len(draft.tokens)):
        if draft.mark(here) == "[":
            draft.error("Partial reference of SUPER column is not supported in MERGE statement.", here, "0A000")
    whens = [here for here in draft.outermost(on, len(draft.tokens)) if draft.word(here) == "when"]
    if not whens:
        _remove_duplicates(draft, on)
        return
    kinds = []
    for here in whens:
        matched = draft.at(here, "when", "matched", "then")
        if not matched and not draft.at(here, "when", "not", "matched", "then"):
            draft.syntax_error(here + (2 if draft.word(here + 1) == "matched" else 3))
        action = here + (3 if matched else 4)
        if draft.word(action) not in (("update", "delete") if matched else ("insert",)):
            draft.syntax_error(action)
        kinds.append(matched)
    if kinds != [True, False]:
        draft.syntax_error(len(draft.tokens) - 1 if len(kinds) == 1 else whens[-1])


def _remove_duplicates(draft: Draft, on: int) -> None:
    """Rows of the target that match give way to the rows of the source; all rows of the source are there afterwards.

    Source rows that would update one row twice are an error, as in the other form.
    """
    end = len(draft.tokens) - 1
    if not draft.at(end - 2, "remove", "duplicates"):
        draft.syntax_error(end)
    _, after = draft.name(2)
    target, source, condition = draft.slice(2, after), draft.slice(after + 1, on), draft.slice(on + 1, end - 2)
    name = sources(draft, Clause(after, after + 1, on))[0].name
    short = draft.identifier(after - 1)
    # the client's own tables and condition
    joined = f"{draft.text(2, after)} join {draft.text(after + 1, on)} on {draft.text(on + 1, end - 2)}"
    counted = f"select count(*) as n from {joined} group by {quote_name(short)}.ctid"  # noqa: S608
    count = f"select max(n) from ({counted}) as counted"  # noqa: S608
    draft.replace(
        0, end, "with removed as ( delete from", target, "using", source, "where", condition,
        "returning 1 ) insert into", draft.slice(2, after), f"select {quote_name(name or '')}.* from",
        draft.slice(after + 1, on), f"where pg_catalog.rs_matched_once(({count}))",
    )  # fmt: skip
    draft.tag = "MERGE"


def _outer(draft: Draft, word: str, at: int) -> int:
    for here in draft.outermost(at, len(draft.tokens)):
        if draft.word(here) == word:
            return here
    return draft.syntax_error(len(draft.tokens) - 1)


_HANDLERS: dict[str, Callable[[Draft], None]] = {
    "insert": _insert,
    "update": _update,
    "delete": _delete,
    "truncate": _truncate,
    "lock": _lock,
    "copy": _copy,
    "unload": _unload,
    "declare": _declare,
    "fetch": _fetch,
    "merge": _merge,
}
