"""Redshift's tokens, nothing lost: what was read, joined, is the text again.

White space and comments travel in front of the token that follows them (`Token.before`); the list always ends with an
`end` token, which carries what is left. Text that no rule takes, such as a string without its end, becomes one `broken`
token: Postgres reports it better than we could.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "word", "quoted", "string", "number", "parameter", "operator", "punctuation", "dollar", "broken", "end"
]  # fmt: skip

_SPACE = re.compile(r"(?:[ \t\n\r\f\v]++|--[^\n\r]*+)++")
_TOKEN = re.compile(
    r"""
    (?:[ \t\n\r\f\v]++|--[^\n\r]*+)*+
    (?:(?P<string>[bBxX]'[^']*'|[eEnN]?'[^'\\]*(?:(?:\\.|'')[^'\\]*)*')
   |(?P<word>\#?[A-Za-z_\u0080-\U0010ffff][\w$\u0080-\U0010ffff]*)
   |(?P<number>(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
   |(?P<punctuation>::|:=|[(),.;\[\]:{}])
   |(?P<quoted>"[^"]*(?:""[^"]*)*")
   |(?P<parameter>\$\d+)
   |(?P<dollar>\$(?P<tag>(?:[A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff]*)?)\$.*?\$(?P=tag)\$)
   |(?P<operator>(?!/\*)[-+*/<>=~!@\#%^&|`?]+))
    """,
    re.VERBOSE | re.DOTALL,
)
# an operator may end in + or - only if it holds one of these
_SIGN_MAY_END = frozenset("~!@#%^&|`?")


@dataclass(slots=True)
class Token:
    """One token.

    Attributes:
        kind: what it is. "quoted" is an identifier in double quotes, "dollar" a `$$…$$` string.
        text: as written.
        start: its offset in the text that was read; negative when a rewrite wrote it (-2 - offset of what it replaces).
        before: white space and comments in front of it.
        word: an unquoted word in lower case; "" for every other kind. Compare keywords with this.
    """

    kind: Kind
    text: str
    start: int = -1
    before: str = ""
    word: str = ""

    def copy(self) -> Token:
        """A token that can be changed without changing this one."""
        return Token(self.kind, self.text, self.start, self.before, self.word)


def lex(sql: str) -> list[Token]:
    """All tokens of a text, the last one an `end` token; `join` gives the text back, whatever it was."""
    tokens: list[Token] = []
    at, length = 0, len(sql)
    before = 0
    match = _TOKEN.match
    while True:
        found = match(sql, at)
        if found is None:
            at = _skip(sql, at)
            if at >= length:
                tokens.append(Token("end", "", length, sql[before:]))
                return tokens
            found = match(sql, at)
        if found is None:
            # an open quote or comment swallows the rest, as it does in Postgres; any other character stands alone
            end = length if sql[at] in "'\"$/" else at + 1
            tokens.append(Token("broken", sql[at:end], at, sql[before:at]))
        else:
            kind: Kind = found.lastgroup  # type: ignore[assignment]
            at, end = found.span(kind)
            if kind == "operator":
                end = at + _operator(found[kind])
            elif kind == "word" and sql[at] == "#" and at and not _hash_starts_name(sql[at - 1]):
                kind, end = "operator", at + 1
            text = sql[at:end]
            tokens.append(Token(kind, text, at, sql[before:at], fold(text) if kind == "word" else ""))
        at = before = end


def fold(name: str) -> str:
    """A name in lower case, as the database folds it: letters of ASCII only."""
    return name.lower() if name.isascii() else name.translate(_LOWER)


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def words(text: str) -> frozenset[str]:
    """The words of a text, for a table of keywords."""
    return frozenset(text.split())


def join(tokens: list[Token]) -> str:
    """The text of the tokens, with what stands before each."""
    return "".join([token.before + token.text for token in tokens])


def split(tokens: list[Token]) -> list[list[Token]]:
    """The statements between top-level semicolons, each ending with an `end` token; semicolons are left out."""
    statements: list[list[Token]] = []
    current: list[Token] = []
    for token in tokens:
        if token.text == ";" and token.kind == "punctuation":
            current.append(Token("end", "", token.start, token.before))
            statements.append(current)
            current = []
        else:
            current.append(token)
    statements.append(current)
    return statements


def string_value(token: Token) -> str:
    """The value of a string token as Redshift reads it: backslash escapes and doubled quotes resolved."""
    text = token.text
    if token.kind == "dollar":
        width = text.index("$", 1) + 1
        return text[width:-width]
    if text[0] in "eEnNbBxX":
        text = text[1:]
    return text[1:-1].replace("''", "'") if "\\" not in text else _unescape(text[1:-1])


def quote_literal(value: str) -> str:
    """A string literal that means the value whether or not backslashes escape in plain literals."""
    if "\\" in value:
        escaped = value.replace("\\", "\\\\").replace("'", "''")
        return f"E'{escaped}'"
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def quote_name(name: str) -> str:
    """An identifier in double quotes."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)|''", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def _unescape(text: str) -> str:
    def value(found: re.Match[str]) -> str:
        escape = found[1]
        if escape is None:
            return "'"
        if escape[0] == "x" and len(escape) > 1:
            return chr(int(escape[1:], 16))
        if escape[0] in "01234567":
            return chr(int(escape, 8) & 0xFF)
        return _ESCAPED.get(escape, escape)

    return _ESCAPE.sub(value, text)


def _skip(sql: str, at: int) -> int:
    """The offset after white space and comments; an open comment is not skipped."""
    while True:
        found = _SPACE.match(sql, at)
        if found:
            at = found.end()
        if not sql.startswith("/*", at):
            return at
        end = _comment_end(sql, at)
        if end < 0:
            return at
        at = end


_COMMENT_EDGE = re.compile(r"/\*|\*/")


def _comment_end(sql: str, at: int) -> int:
    """The offset after the comment that opens here; comments nest. -1 if it never ends."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, at):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return -1


def _operator(run: str) -> int:
    """The length of the operator at the start of a run of operator characters, by Postgres' rules."""
    for mark in ("--", "/*"):
        cut = run.find(mark)
        if cut > 0:
            run = run[:cut]
    if len(run) > 1 and run[-1] in "+-" and not _SIGN_MAY_END.intersection(run):
        run = run.rstrip("+-") or run[0]
    return len(run)


def _hash_starts_name(previous: str) -> bool:
    """Whether `#` after this character begins a temporary table's name rather than being the operator XOR."""
    return previous.isspace() or previous in "(,./;"
