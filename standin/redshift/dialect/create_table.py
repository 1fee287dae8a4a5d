"""CREATE TABLE and CREATE TABLE AS."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from standin.redshift.dialect import attributes as table_attributes
from standin.redshift.dialect import column_types, decimals, literals
from standin.redshift.dialect.attributes import INVALID_DEFINITION, Attributes, columns_in, qualified
from standin.redshift.dialect.statement import FEATURE_NOT_SUPPORTED

if TYPE_CHECKING:
    from standin.redshift.dialect.lexer import Token
    from standin.redshift.dialect.rewrite import Draft

_MOST_COLUMNS = 1600
_CONSTRAINTS = frozenset({"constraint", "unique", "primary", "foreign", "check", "exclude"})
# words that end a default's expression
_AFTER_DEFAULT = frozenset(
    {
        "encode",
        "distkey",
        "sortkey",
        "collate",
        "unique",
        "primary",
        "references",
        "identity",
        "generated",
        "constraint",
    }
)
Key = dict[str, Any]


def rewrite(draft: Draft, at: int) -> None:
    """CREATE TABLE from its name on, which stands at `at` or behind IF NOT EXISTS; edits the draft in place."""
    _temporary(draft, at)
    at = next(place for place in range(len(draft.tokens)) if draft.word(place) == "table") + 1
    exists = draft.at(at, "if", "not", "exists")
    parts, end = draft.name(at + 3 if exists else at)
    if not parts:
        draft.syntax_error(end)
    made = Attributes.of(parts)
    if draft.mark(end) == "(" and _is_definition(draft, end):
        close = draft.close(end)
        after = table_attributes.read(draft, close + 1, made)
        if draft.kind_at(after) != "end":
            draft.syntax_error(after)
        draft.remove(close + 1, after)
        _columns(draft, end, made)
        if made.like is not None and (made.diststyle or made.distkey or made.sortstyle or made.backup is not None):
            message = "table attributes cannot be specified with LIKE: those of the parent table are taken over"
            draft.error(message, end, FEATURE_NOT_SUPPORTED)
    else:
        _as_query(draft, end, made, exists=exists)
    table_attributes.check(draft, end, made)
    draft.comment = made.comment()


def column(draft: Draft, lo: int, hi: int, made: Attributes) -> list[Token]:
    """A column's definition for Postgres; what Postgres has no word for goes to `made`."""
    if not draft.is_name(lo):
        draft.syntax_error(lo)
    return _Column(draft, lo, hi, made).read()


def table_constraint(draft: Draft, lo: int, hi: int) -> Key:
    """A table's constraint as the catalogue keeps it."""
    key: Key = {}
    if draft.word(lo) == "constraint":
        key["name"] = draft.identifier(lo + 1)
        lo += 2
    word = draft.word(lo)
    if word == "check":
        draft.error("CHECK constraints are not supported", lo, FEATURE_NOT_SUPPORTED)
    if word == "unique":
        key["type"], at = "u", lo + 1
    elif draft.at(lo, "primary", "key"):
        key["type"], at = "p", lo + 2
    elif draft.at(lo, "foreign", "key"):
        key["type"], at = "f", lo + 2
    else:
        draft.syntax_error(lo)
    key["columns"] = columns_in(draft, at)
    at = draft.close(at) + 1
    if key["type"] == "f":
        if draft.word(at) != "references":
            draft.syntax_error(at)
        at = references(draft, at, key)
    if at != hi:
        draft.syntax_error(at)
    return key


def references(draft: Draft, at: int, key: Key) -> int:
    """Take in REFERENCES table [(columns)], which stands at `at`; the place after it."""
    parts, at = draft.name(at + 1)
    if not parts:
        draft.syntax_error(at)
    key["references"] = qualified(parts)
    if draft.mark(at) == "(":
        key["referenced"] = columns_in(draft, at)
        at = draft.close(at) + 1
    return at


def _temporary(draft: Draft, at: int) -> None:
    """`#name` makes a temporary table."""
    name = at + 3 if draft.at(at, "if", "not", "exists") else at
    if draft.tokens[name].text.startswith("#") and draft.word(at - 2) not in ("temp", "temporary"):
        draft.insert(at - 1, "temporary")


def _is_definition(draft: Draft, at: int) -> bool:
    """Whether the parentheses hold columns with types, not the bare names or the query of CREATE TABLE AS."""
    if draft.word(at + 1) in ("select", "with") or draft.mark(at + 1) == "(":
        return False
    after = table_attributes.read(draft, draft.close(at) + 1, Attributes(""))
    return draft.word(after) != "as"


def _as_query(draft: Draft, end: int, made: Attributes, *, exists: bool) -> None:
    if draft.mark(end) == "(" and draft.word(end + 1) not in ("select", "with"):
        names = columns_in(draft, end)
        _distinct(draft, end, names)
        end = draft.close(end) + 1
    after = table_attributes.read(draft, end, made)
    # CREATE TABLE IF NOT EXISTS … AS is not in Redshift's grammar
    if draft.word(after) != "as" or exists:
        draft.syntax_error(after)
    last = len(draft.tokens) - 1
    if draft.at(last - 2, "no", "data") or (draft.at(last - 2, "with", "data")):
        draft.syntax_error(last - (3 if draft.word(last - 2) == "no" else 2))
    literals.give_types(draft, after)
    decimals.give_types(draft, after)
    _keep_lengths(draft, after + 1)
    draft.remove(end, after)


def _keep_lengths(draft: Draft, query: int) -> None:
    """The columns get the lengths that the query says, not those that are left of it when it is planned.

    Postgres puts the body of our length coercion (`catalog/types.sql`) in the place of a cast, and the length is gone.
    What a subquery hands on keeps it, if the planner cannot take the subquery away: hence OFFSET, and a condition.
    """
    draft.insert(len(draft.tokens) - 1, ") as rs_query offset 0) as rs_query where pg_catalog.rs_whole_query()")
    draft.insert(query, "select * from (select * from (")


def _columns(draft: Draft, opening: int, made: Attributes) -> None:
    names: list[str] = []
    parts: list[list[Token]] = []
    spans = draft.arguments(opening)
    keys: list[Key] = []
    if not spans:
        draft.syntax_error(opening + 1)
    for lo, hi in spans:
        if draft.word(lo) in _CONSTRAINTS and not _is_type_name(draft, lo):
            keys.append(table_constraint(draft, lo, hi))
        elif draft.word(lo) == "like":
            parts.append(_like(draft, lo, hi, made))
        else:
            parts.append(column(draft, lo, hi, made))
            names.append(draft.identifier(lo))
    if not parts:
        draft.error("cannot create table without columns", opening, INVALID_DEFINITION)
    if len(names) > _MOST_COLUMNS:
        draft.error(f"tables can have at most {_MOST_COLUMNS} columns", opening, "54011")
    _distinct(draft, opening, names)
    made.keys += keys
    _require(draft, opening, made, names)
    _not_null(draft, made, names, parts)
    joined: list[str | list[Token]] = []
    for number, tokens in enumerate(parts):
        joined += [tokens] if number == 0 else [",", tokens]
    draft.replace(opening + 1, draft.close(opening), *joined)


def _is_type_name(draft: Draft, at: int) -> bool:
    """A column may be called like the constraint's first word if a type follows, as in `check int`."""
    return draft.word(at) in ("check", "exclude") and draft.mark(at + 1) != "("


def _distinct(draft: Draft, at: int, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            draft.error(f'column "{name}" duplicated', at, "42701")
        seen.add(name)


def _require(draft: Draft, at: int, made: Attributes, names: list[str]) -> None:
    """Keys are on columns of the table; with LIKE, the catalogue knows, and we do not."""
    if made.like is not None:
        return
    wanted = [("distkey", [made.distkey] if made.distkey else []), ("sortkey", made.sortkeys)]
    wanted += [("key", key["columns"]) for key in made.keys]
    for what, columns in wanted:
        for name in columns:
            if name not in names:
                draft.error(f'column "{name}" named in {what} does not exist', at, "42703")
    for name in [*made.sortkeys, *([made.distkey] if made.distkey else [])]:
        if made.columns.get(name, {}).get("family") in ("super", "varbyte", "geometry", "geography"):
            draft.error(f'column "{name}" cannot be a DISTKEY or SORTKEY: its type does not allow it', at)
    for described in made.columns.values():
        described.pop("family", None)
    made.columns = {name: described for name, described in made.columns.items() if described}


def _not_null(draft: Draft, made: Attributes, names: list[str], parts: list[list[Token]]) -> None:
    """The columns of a primary key take no nulls."""
    primary = [key for key in made.keys if key["type"] == "p"]
    if len(primary) > 1:
        draft.error(f'multiple primary keys for table "{made.name}" are not allowed', None, INVALID_DEFINITION)
    if not primary:
        return
    by_name = {draft_name(draft, tokens[0]): tokens for tokens in parts if tokens[0].word != "like"}
    for name in primary[0]["columns"]:
        tokens = by_name.get(name, [])
        words = [token.word for token in tokens]
        if tokens and not any(pair == ("not", "null") for pair in pairwise(words)):
            tokens += _words("not null")


def draft_name(draft: Draft, token: Token) -> str:
    """The name that an identifier's token means."""
    if token.kind == "quoted":
        name = token.text[1:-1].replace('""', '"')
        return name if draft.context.case_sensitive else name.lower()
    return token.word


def _like(draft: Draft, lo: int, hi: int, made: Attributes) -> list[Token]:
    parts, at = draft.name(lo + 1)
    if not parts:
        draft.syntax_error(at)
    made.like = qualified(parts)
    while at < hi:
        if draft.word(at) not in ("including", "excluding") or draft.word(at + 1) != "defaults":
            draft.syntax_error(at + 1 if draft.word(at) in ("including", "excluding") else at)
        at += 2
    return draft.slice(lo, hi)


def _words(sql: str) -> list[Token]:
    from standin.redshift.dialect.lexer import lex

    tokens = lex(" " + sql)[:-1]
    for token in tokens:
        token.start = -1
    return tokens


class _Column:
    """Reads one column's definition."""

    def __init__(self, draft: Draft, lo: int, hi: int, made: Attributes) -> None:
        self.draft, self.lo, self.hi, self.made = draft, lo, hi, made
        self.name = draft.identifier(lo)
        self.described: dict[str, Any] = {}
        self.parts: list[Token] = []
        self.constraint: str | None = None
        self.is_not_null = False

    def read(self) -> list[Token]:
        draft, lo = self.draft, self.lo
        self.type, at = column_types.read(draft, lo + 1, f"{self.made.name}.{self.name}")
        if at > self.hi:
            draft.syntax_error(self.hi)
        written = draft.slice(lo + 1, at)
        if draft.text(lo + 1, at) != self.type.sql:
            before = written[0].before
            written = _words(self.type.sql)
            written[0].before = before
        if self.type.bytes is not None:
            self.described["bytes"] = self.type.bytes
        self.described["family"] = self.type.family
        while at < self.hi:
            at = self._attribute(at)
        if "seed" in self.described and not self.is_not_null:
            # Postgres makes every identity column NOT NULL; Redshift's catalogue tells it of those that say so
            self.described["nullable"] = True
        self.made.columns[self.name] = self.described
        return [*draft.slice(lo, lo + 1), *written, *self.parts]

    def _attribute(self, at: int) -> int:  # noqa: PLR0911 - a case each
        draft, word = self.draft, self.draft.word(at)
        if word == "default":
            end = self._default_end(at + 1)
            self.parts += draft.slice(at, end)
            return end
        if word == "not" and draft.word(at + 1) == "null":
            self.parts += draft.slice(at, at + 2)
            self.is_not_null = True
            return at + 2
        if word == "null":
            return at + 1
        if word == "encode":
            self.described["encoding"] = column_types.encoding(draft, at + 1, self.name, self.type.family)
            return at + 2
        if word == "distkey":
            self.made.set_distkey(draft, at, self.name)
            return at + 1
        if word == "sortkey":
            self.made.set_sortkeys(draft, at, "COMPOUND", [self.name])
            return at + 1
        if word == "collate":
            return self._collate(at)
        if word == "identity":
            return self._identity(at + 1, "always")
        if draft.at(at, "generated", "by", "default", "as", "identity"):
            return self._identity(at + 5, "by default")
        return self._constraint(at)

    def _constraint(self, at: int) -> int:
        draft, word = self.draft, self.draft.word(at)
        if word == "constraint":
            self.constraint = draft.identifier(at + 1)
            return at + 2
        key: Key = {"columns": [self.name]}
        if self.constraint is not None:
            key["name"], self.constraint = self.constraint, None
        if word == "unique":
            key["type"], end = "u", at + 1
        elif draft.at(at, "primary", "key"):
            key["type"], end = "p", at + 2
            self.is_not_null = True
        elif word == "references":
            key["type"], end = "f", references(draft, at, key)
        elif word == "check":
            draft.error("CHECK constraints are not supported", at, FEATURE_NOT_SUPPORTED)
        else:
            draft.syntax_error(at)
        self.made.keys.append(key)
        return end

    def _default_end(self, at: int) -> int:
        """The place after a default's expression, whose first token belongs to it whatever it is."""
        draft = self.draft
        for place in draft.outermost(at, self.hi):
            if place == at:
                continue
            word = draft.word(place)
            if word in _AFTER_DEFAULT or (word == "not" and draft.word(place + 1) == "null"):
                return place
            if word == "null" and draft.word(place - 1) not in ("is", "not") and draft.kind_at(place - 1) != "operator":
                return place
        return self.hi

    def _collate(self, at: int) -> int:
        word = self.draft.word(at + 1)
        if word not in ("case_sensitive", "case_insensitive"):
            self.draft.syntax_error(at + 1)
        if word == "case_insensitive":
            self.draft.unsupported("COLLATE CASE_INSENSITIVE", at)
        return at + 2

    def _identity(self, at: int, how: str) -> int:
        draft = self.draft
        if draft.mark(at) != "(":
            draft.syntax_error(at)
        close = draft.close(at)
        numbers = [draft.text(lo, hi).replace(" ", "") for lo, hi in draft.arguments(at)]
        if len(numbers) != 2 or not all(number.lstrip("+-").isdecimal() for number in numbers):
            draft.syntax_error(at + 1)
        if self.type.family not in ("integer", "bigint"):
            draft.error("identity column type must be integer or bigint", self.lo, INVALID_DEFINITION)
        seed, step = (int(number) for number in numbers)
        if step == 0:
            draft.error("INCREMENT must not be zero", at, column_types.INVALID_PARAMETER)
        bound = f"minvalue {min(seed, 1)}" if step > 0 else f"maxvalue {max(seed, -1)}"
        self.parts += _words(f"generated {how} as identity (start with {seed} increment by {step} {bound})")
        self.described |= {"seed": seed, "step": step}
        return close + 1
