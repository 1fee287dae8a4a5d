"""Redshift's attributes of tables and materialized views, and how they reach the catalogue.

They travel in a comment at the end of the statement, `/*rs:<base64 of JSON>:rs*/`, where an event trigger finds them
(`catalog/relations.sql`).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from standin.redshift.dialect.lexer import quote_name
from standin.redshift.dialect.names import short
from standin.redshift.dialect.statement import FEATURE_NOT_SUPPORTED, SYNTAX_ERROR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standin.redshift.dialect.rewrite import Draft

INVALID_DEFINITION = "42P16"
_MOST_SORTKEYS = {"COMPOUND": 400, "INTERLEAVED": 8}


@dataclass
class Attributes:
    """What is said of a relation; the field names are the keys of the JSON.

    Attributes:
        name: of the relation, without schema.
        schema: if it is named.
        kind: "table", "view", "late binding view" or "materialized view".
        columns: column to {"encoding": …, "seed": …, "step": …, "nullable": …, "bytes": …, "case_insensitive": …}.
        keys: {"type": "p" | "u" | "f", "name": …, "columns": […], "references": "s.t", "referenced": […]}.
        like: the relation whose attributes it takes over.
        query: a late-binding view's query for Postgres, with `reads`, the qualified names in it.
        arguments: a procedure's, as written: {"name": …, "mode": "in" | "out" | "inout", "type": …}.
    """

    name: str
    kind: str = "table"
    schema: str | None = None
    diststyle: str | None = None
    distkey: str | None = None
    sortstyle: str | None = None
    sortkeys: list[str] = field(default_factory=list)
    backup: bool | None = None
    autorefresh: bool | None = None
    definition: str | None = None
    like: str | None = None
    query: str | None = None
    reads: list[str] = field(default_factory=list)
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=list)
    arguments: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, parts: Sequence[str], kind: str = "table", definition: str | None = None) -> Attributes:
        """Those of the object with this dotted name."""
        return cls(parts[-1], kind, parts[-2] if len(parts) > 1 else None, definition=definition)

    def comment(self) -> str:
        """The text between `/*` and `*/`."""
        return f"rs:{base64.b64encode(self.as_json().encode()).decode()}:rs"

    def as_json(self) -> str:
        """What is said, as JSON; names are those that Postgres knows."""
        said = {key: value for key, value in vars(self).items() if value not in (None, [], {})}
        said["name"] = short(self.name)
        said["columns"] = {short(name): described for name, described in self.columns.items()}
        said["sortkeys"] = [short(name) for name in self.sortkeys]
        for name in ("distkey", "schema"):
            if name in said:
                said[name] = short(said[name])
        said["keys"] = [
            {part: [short(name) for name in value] if isinstance(value, list) else value for part, value in key.items()}
            for key in self.keys
        ]
        return json.dumps(said)

    def set_distkey(self, draft: Draft, at: int, column: str) -> None:
        """Raises `DialectError` for a second one."""
        if self.distkey is not None:
            draft.error("multiple DISTKEY columns are not allowed", at, INVALID_DEFINITION)
        self.distkey = column

    def set_sortkeys(self, draft: Draft, at: int, style: str, columns: list[str]) -> None:
        """Raises `DialectError` for a second sort key, and for one with too many columns."""
        if self.sortstyle is not None:
            draft.error("multiple sort keys are not allowed", at, INVALID_DEFINITION)
        if len(columns) > _MOST_SORTKEYS.get(style, 0) and columns:
            most = _MOST_SORTKEYS[style]
            draft.error(f"{style.lower()} sort keys cannot have more than {most} columns", at, INVALID_DEFINITION)
        self.sortstyle, self.sortkeys = style, columns


def read(draft: Draft, at: int, attributes: Attributes) -> int:
    """Take in the table attributes that begin here; the place after them. `check` them when all are read."""
    while (end := _one(draft, at, attributes)) != at:
        at = end
    return at


def check(draft: Draft, at: int, attributes: Attributes) -> None:
    """Raises `DialectError` for attributes that contradict each other."""
    if attributes.diststyle == "KEY" and attributes.distkey is None:
        draft.error("DISTSTYLE KEY needs a DISTKEY column", at, SYNTAX_ERROR)
    if attributes.distkey is not None:
        if attributes.diststyle not in (None, "KEY", "AUTO"):
            message = f"Cannot specify DISTKEY with DISTSTYLE {attributes.diststyle}"
            draft.error(message, at, FEATURE_NOT_SUPPORTED)
        if attributes.diststyle is None:
            attributes.diststyle = "KEY"


def columns_in(draft: Draft, at: int) -> list[str]:
    """The names in the parentheses that open here; raises `DialectError` for anything else in them."""
    if draft.mark(at) != "(":
        draft.syntax_error(at)
    names = []
    for lo, hi in draft.arguments(at):
        if hi != lo + 1 or not draft.is_name(lo):
            draft.syntax_error(lo)
        names.append(draft.identifier(lo))
    return names


def qualified(parts: Sequence[str]) -> str:
    """A name of one or more parts, quoted, as Postgres knows it."""
    return ".".join(quote_name(short(part)) for part in parts)


def _one(draft: Draft, at: int, attributes: Attributes) -> int:  # noqa: PLR0911 - a case each
    word = draft.word(at)
    if word == "backup" and draft.word(at + 1) in ("yes", "no"):
        attributes.backup = draft.word(at + 1) == "yes"
        return at + 2
    if word == "diststyle":
        style = draft.word(at + 1).upper()
        if style not in ("AUTO", "EVEN", "KEY", "ALL"):
            draft.syntax_error(at + 1)
        attributes.diststyle = style
        return at + 2
    if word == "distkey":
        names = columns_in(draft, at + 1)
        if len(names) != 1:
            draft.syntax_error(at + 3)
        attributes.set_distkey(draft, at, names[0])
        return draft.close(at + 1) + 1
    if word in ("compound", "interleaved") and draft.word(at + 1) == "sortkey":
        attributes.set_sortkeys(draft, at, word.upper(), columns_in(draft, at + 2))
        return draft.close(at + 2) + 1
    if word == "sortkey":
        if draft.word(at + 1) in ("auto", "none"):
            attributes.set_sortkeys(draft, at, draft.word(at + 1).upper(), [])
            return at + 2
        attributes.set_sortkeys(draft, at, "COMPOUND", columns_in(draft, at + 1))
        return draft.close(at + 1) + 1
    if word == "encode" and draft.word(at + 1) == "auto":
        return at + 2
    if word == "auto" and draft.word(at + 1) == "refresh":
        if draft.word(at + 2) not in ("yes", "no"):
            draft.syntax_error(at + 2)
        attributes.autorefresh = draft.word(at + 2) == "yes"
        return at + 3
    return at
