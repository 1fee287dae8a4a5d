"""One statement's tokens, read by place and edited in place.

Tokens are counted from 0; the last is the `end` token, and everything beyond reads as "". Walk from
the right to the left: an edit at `i` never moves what stands left of it, and inner calls are done before outer ones:

    for i in reversed(range(len(draft.tokens))):
        if draft.word(i) == "nvl" and draft.is_call(i):
            draft.replace(i, i + 1, "coalesce")
        elif draft.word(i) == "nvl2" and draft.is_call(i):
            end = draft.close(i + 1)
            value, this, that = (draft.slice(lo, hi) for lo, hi in draft.arguments(i + 1))
            draft.replace(i, end + 1, "(case when", value, "is not null then", this, "else", that, "end)")

`replace` and `insert` take strings, which are read as tokens, and tokens from `slice`, which keep their place in the
client's text, so that positions in Postgres' error messages can be translated back. White space is put in where two
parts would grow together. A piece of SQL inside a body or a literal goes through `fragment`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, NoReturn

from standin.redshift.dialect.lexer import Kind, Token, fold, join, lex
from standin.redshift.dialect.statement import (
    FEATURE_NOT_SUPPORTED,
    SYNTAX_ERROR,
    Context,
    DialectError,
    Setting,
    Statement,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")
# no space is needed beside these
_LOOSE = frozenset("(),.;[]{}")


class Draft:
    """One statement on its way to Postgres.

    Attributes:
        tokens: the tokens, the last one an `end` token.
        context: what rewriting may depend on besides the text.
        source: the statement as the client wrote it.
        tag, action, commits, outside_transaction, setting: see `Statement`.
        long_names: the names that had to be shortened for Postgres: short to long.
        comment: goes behind the last token as a `/* comment */` (the catalogue's attributes of relations).
        finished: the handler wrote Postgres' statement; the passes leave it alone.
    """

    __slots__ = (
        "action",
        "comment",
        "commits",
        "context",
        "finished",
        "kind",
        "long_names",
        "outside_transaction",
        "setting",
        "source",
        "tag",
        "tokens",
    )

    def __init__(self, tokens: list[Token], context: Context, source: str | None = None) -> None:
        self.tokens = tokens
        self.context = context
        self.source = join(tokens) if source is None else source
        self.kind: str = next((token.word for token in tokens if token.text != "("), "")
        self.tag: str | None = None
        self.action: object | None = None
        self.commits = False
        self.outside_transaction = False
        self.setting: Setting | None = None
        self.comment: str | None = None
        self.long_names: dict[str, str] = {}
        self.finished = False

    # reading

    def word(self, at: int) -> str:
        """The unquoted word at this place in lower case; "" for any other token and outside the statement."""
        return self.tokens[at].word if 0 <= at < len(self.tokens) else ""

    def mark(self, at: int) -> str:
        """The operator or punctuation at this place; "" for any other token and outside the statement."""
        if 0 <= at < len(self.tokens):
            token = self.tokens[at]
            if token.kind in ("punctuation", "operator"):
                return token.text
        return ""

    def kind_at(self, at: int) -> Kind:
        """The kind of the token; `end` outside the statement."""
        return self.tokens[at].kind if 0 <= at < len(self.tokens) else "end"

    def at(self, place: int, *words: str) -> bool:
        """Whether these unquoted words stand from this place on."""
        return all(self.word(place + number) == word for number, word in enumerate(words))

    def is_call(self, at: int) -> bool:
        """Whether the word here is called as a function, neither qualified nor a parameter's name."""
        return self.mark(at + 1) == "(" and self.mark(at - 1) != "."

    def is_name(self, at: int) -> bool:
        """Whether an identifier stands here: an unquoted word or a quoted name."""
        return self.kind_at(at) in ("word", "quoted")

    def text(self, lo: int, hi: int) -> str:
        """The SQL of the tokens from `lo` up to `hi`, without what stands before the first."""
        if hi <= lo:
            return ""
        return self.tokens[lo].text + join(self.tokens[lo + 1 : hi])

    def slice(self, lo: int, hi: int) -> list[Token]:
        """Copies of the tokens from `lo` up to `hi`, to be put elsewhere."""
        return [token.copy() for token in self.tokens[lo:hi]]

    def close(self, at: int) -> int:
        """The place of the parenthesis or bracket that closes the one here. Raises `DialectError` if there is none."""
        depth = 0
        for place in range(at, len(self.tokens)):
            token = self.tokens[place]
            if token.kind == "punctuation":
                if token.text in _OPENING:
                    depth += 1
                elif token.text in _CLOSING:
                    depth -= 1
                    if depth == 0:
                        return place
        return self.syntax_error(len(self.tokens) - 1)

    def open(self, at: int) -> int:
        """The place of the parenthesis or bracket that opens the one here; -1 if there is none."""
        depth = 0
        for place in range(at, -1, -1):
            token = self.tokens[place]
            if token.kind == "punctuation":
                if token.text in _CLOSING:
                    depth += 1
                elif token.text in _OPENING:
                    depth -= 1
                    if depth == 0:
                        return place
        return -1

    def enclosing(self, at: int) -> int:
        """The place of the parenthesis or bracket around the token here; -1 if there is none."""
        depth = 0
        for place in range(at - 1, -1, -1):
            token = self.tokens[place]
            if token.kind == "punctuation":
                depth += (token.text in _CLOSING) - (token.text in _OPENING)
                if depth < 0:
                    return place
        return -1

    def split(self, lo: int, hi: int, separator: str = ",") -> list[tuple[int, int]]:
        """The parts between separators that stand in no parentheses; nothing for an empty stretch."""
        parts: list[tuple[int, int]] = []
        if hi <= lo:
            return parts
        depth, begin = 0, lo
        for place in range(lo, hi):
            token = self.tokens[place]
            if token.kind == "punctuation":
                if token.text in _OPENING:
                    depth += 1
                elif token.text in _CLOSING:
                    depth -= 1
                elif token.text == separator and depth == 0:
                    parts.append((begin, place))
                    begin = place + 1
        parts.append((begin, hi))
        return parts

    def arguments(self, at: int) -> list[tuple[int, int]]:
        """The arguments of the call whose parenthesis opens here, each from `lo` up to `hi`."""
        return self.split(at + 1, self.close(at))

    def outermost(self, lo: int, hi: int) -> Iterator[int]:
        """The places from `lo` up to `hi` that stand in no parentheses opened after `lo`."""
        depth = 0
        for place in range(lo, hi):
            token = self.tokens[place]
            if token.kind == "punctuation":
                if token.text in _CLOSING:
                    depth -= 1
                if depth == 0:
                    yield place
                if token.text in _OPENING:
                    depth += 1
            elif depth == 0:
                yield place

    def identifier(self, at: int) -> str:
        """The name that the identifier here means: folded to lower case unless quoting keeps its case."""
        name = self.written_name(at)
        return fold(name) if self.tokens[at].kind == "quoted" and not self.context.case_sensitive else name

    def written_name(self, at: int) -> str:
        """The name between the quotes, as it is written; of an unquoted identifier, the same in lower case."""
        token = self.tokens[at]
        return token.text[1:-1].replace('""', '"') if token.kind == "quoted" else token.word

    def name(self, at: int) -> tuple[list[str], int]:
        """The dotted name that begins here and the place after it; no parts if no identifier stands here."""
        parts: list[str] = []
        while self.is_name(at):
            parts.append(self.identifier(at))
            if self.mark(at + 1) != "." or not self.is_name(at + 2):
                return parts, at + 1
            at += 2
        return parts, at

    # editing

    def replace(self, lo: int, hi: int, *parts: str | Token | list[Token]) -> int:
        """Put the parts where the tokens from `lo` up to `hi` stand; returns the place after them."""
        new = _tokens(parts)
        before, origin = self.tokens[lo].before, self.tokens[lo].start
        if new:
            new[0].before = before
            for token in new if origin >= 0 else ():
                if token.start == -1:
                    token.start = -2 - origin
        # comments between what is taken away would be lost otherwise, and so would the space in front of what follows
        elif hi < len(self.tokens) and hi > lo and before and not self.tokens[hi].before:
            self.tokens[hi].before = before
        self.tokens[lo:hi] = new
        after = lo + len(new)
        self._part(lo)
        self._part(after)
        return after

    def insert(self, at: int, *parts: str | Token | list[Token]) -> int:
        """Put the parts in front of the token here; returns the place after them."""
        new = _tokens(parts)
        if not new:
            return at
        new[0].before = " "
        self.tokens[at:at] = new
        after = at + len(new)
        if at == 0:
            new[0].before, self.tokens[after].before = self.tokens[after].before, " "
        self._part(after)
        return after

    def remove(self, lo: int, hi: int) -> None:
        """Take the tokens from `lo` up to `hi` away."""
        self.replace(lo, hi)

    def finish(self, sql: str, tag: str | None = None) -> None:
        """This is Postgres' statement; no pass looks at it. `tag` is the command tag that Redshift reports."""
        trailing = self.tokens[-1]
        self.tokens = [*_tokens((sql,)), trailing]
        if len(self.tokens) > 1:
            self.tokens[0].before = ""
        if tag is not None:
            self.tag = tag
        self.finished = True

    # failing

    def error(
        self, message: str, at: int | None = None, sqlstate: str = SYNTAX_ERROR, hint: str | None = None
    ) -> NoReturn:
        """Raise the error that Redshift gives, at the place of a token."""
        raise DialectError(message, sqlstate, self.position(at), hint)

    def unsupported(self, feature: str, at: int | None = None, hint: str | None = None) -> NoReturn:
        """Raise `feature_not_supported`: the stand-in does not do this, and does nothing else instead."""
        message = f"{feature} is not supported by the stand-in for Redshift"
        raise DialectError(message, FEATURE_NOT_SUPPORTED, self.position(at), hint)

    def syntax_error(self, at: int) -> NoReturn:
        """Raise Redshift's syntax error at the place of a token."""
        found = self.tokens[at] if 0 <= at < len(self.tokens) else self.tokens[-1]
        where = "at end of input" if found.kind == "end" else f'at or near "{found.text}"'
        raise DialectError(f"syntax error {where}", SYNTAX_ERROR, self.position(at))

    def position(self, at: int | None) -> int | None:
        """The 1-based position of a token in the client's text; None for one that a rewrite wrote."""
        if at is None or not 0 <= at < len(self.tokens) or self.tokens[at].start < 0:
            return None
        return self.tokens[at].start + 1

    # the result

    def statement(self, start: int) -> Statement:
        """The statement for the connection; `start` is its offset in the client's text."""
        text, spots = self._written(start)
        return Statement(
            text=text,
            kind=self.kind,
            tag=self.tag,
            action=self.action,
            commits=self.commits,
            outside_transaction=self.outside_transaction,
            setting=self.setting,
            start=start,
            spots=spots,
        )

    def _written(self, start: int) -> tuple[str, tuple[tuple[int, int, bool], ...]]:
        tokens = self.tokens
        notes = [self.comment] if self.comment is not None else []
        if self.long_names and self.kind in ("create", "alter", "select", "with"):
            notes.append(f"rsn:{b64encode(json.dumps(self.long_names).encode()).decode()}:rsn")
        if notes:
            written = [Token("broken", f"/*{note}*/", before=" ") for note in notes]
            tokens = [*tokens[:-1], *written, tokens[-1]]
        parts: list[str] = []
        spots: list[tuple[int, int, bool]] = []
        offset, shift, seen, is_kept = 0, -start, start, True
        for token in tokens:
            offset += len(token.before)
            if token.start >= 0:
                if not is_kept or offset - token.start != shift:
                    shift = offset - token.start
                    spots.append((offset, token.start, True))
                seen, is_kept = token.start, True
            elif token.text and (is_kept or token.start < -1):
                seen = -2 - token.start if token.start < -1 else seen
                spots.append((offset, seen, False))
                is_kept = False
            parts += (token.before, token.text)
            offset += len(token.text)
        return "".join(parts), tuple(spots)

    def _part(self, at: int) -> None:
        """Keep the token here apart from the one on its left."""
        if 0 < at < len(self.tokens):
            token = self.tokens[at]
            if not token.before and _grow_together(self.tokens[at - 1], token):
                token.before = " "


def _tokens(parts: tuple[str | Token | list[Token], ...]) -> list[Token]:
    new: list[Token] = []
    for part in parts:
        if isinstance(part, str):
            fresh = _fresh(part)
        elif isinstance(part, Token):
            fresh = [part]
        else:
            fresh = part
        for token in fresh:
            if new and not token.before and token is fresh[0] and _grow_together(new[-1], token):
                token.before = " "
            new.append(token)
    return new


def _fresh(sql: str) -> list[Token]:
    tokens = lex(sql)
    tokens.pop()
    for token in tokens:
        token.start = -1
    return tokens


def _grow_together(left: Token, right: Token) -> bool:
    if right.kind == "end" or left.text in _LOOSE or right.text in _LOOSE:
        return False
    return "::" not in (left.text, right.text)
