"""Reading a statement's tokens one after the other, and what every option of COPY and UNLOAD is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from standin.redshift.s3.errors import SYNTAX_ERROR

if TYPE_CHECKING:
    from standin.redshift.dialect.lexer import Token
    from standin.redshift.dialect.statement import DialectError

_YES = ("on", "true")
_NO = ("off", "false")


class Cursor:
    """A place in the tokens of one statement.

    Args:
        text: the statement, with or without its semicolon.
        case_sensitive: whether quoted identifiers keep their case.
    """

    def __init__(self, text: str, case_sensitive: bool) -> None:
        from standin.redshift.dialect.lexer import lex

        self._tokens = lex(text)
        self._at = 0
        self._case_sensitive = case_sensitive
        self._secrets: list[Token] = []

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._at]

    @property
    def word(self) -> str:
        """The next token as a keyword in lower case; "" if it is none."""
        return self.token.word

    @property
    def ended(self) -> bool:
        """Whether nothing but a semicolon is left."""
        token = self.token
        return token.kind == "end" or (token.text == ";" and self._tokens[self._at + 1].kind == "end")

    @property
    def previous(self) -> Token:
        """The token that was taken last."""
        return self._tokens[self._at - 1]

    def following(self) -> Token:
        """The token after the next one."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Take the next token."""
        token = self.token
        if token.kind != "end":
            self._at += 1
        return token

    def accept(self, *texts: str) -> bool:
        """Take the next token if it is one of these keywords or punctuation marks."""
        token = self.token
        if token.kind not in ("string", "dollar", "quoted", "end") and (token.word or token.text) in texts:
            self._at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Take this keyword or mark, or raise a syntax error."""
        if not self.accept(text):
            raise self.syntax_error()

    def string(self) -> str:
        """Take a string literal: its value."""
        from standin.redshift.dialect.lexer import string_value

        if self.token.kind not in ("string", "dollar"):
            raise self.syntax_error()
        return string_value(self.advance())

    def secret(self) -> str:
        """Take a string literal that must never be shown."""
        self._secrets.append(self.token)
        return self.string()

    def null_string(self) -> str:
        r"""Take the literal of NULL AS, in which `\N` stands for itself however it was escaped."""
        if self.token.text in (r"'\N'", r"'\\N'", r"E'\\N'"):
            self.advance()
            return r"\N"
        return self.string()

    def character(self, option: str) -> str:
        r"""Take a literal of one ASCII character; `\t` and octal `\ddd` may be escaped twice."""
        value = self.string()
        if value == r"\t":
            value = "\t"
        elif len(value) in (3, 4) and value[0] == "\\" and value[1:].isdigit():
            value = chr(int(value[1:], 8))
        if len(value) != 1 or not value.isascii():
            raise self.error(f"COPY {option} must be a single ASCII character")
        return value

    def integer(self) -> int:
        """Take a whole number; some clients write it in quotes."""
        token = self.token
        value = self.string() if token.kind == "string" else self.advance().text
        if not value.strip().isdigit():
            raise self.syntax_error(token)
        return int(value)

    def switch(self) -> bool:
        """Take an optional ON, TRUE, OFF or FALSE; nothing means on."""
        if self.accept(*_NO):
            return False
        self.accept(*_YES)
        return True

    def size(self) -> int:
        """Take a number with an optional MB or GB: bytes; without a unit, megabytes."""
        token = self.advance()
        try:
            number = float(token.text.strip("'"))
        except ValueError:
            raise self.syntax_error(token) from None
        if self.accept("gb"):
            return int(number * 1024**3)
        self.accept("mb")
        return int(number * 1024**2)

    def name(self) -> str:
        """Take an identifier, folded as Redshift folds it."""
        token = self.token
        if token.kind == "word":
            self.advance()
            return token.text.lower()
        if token.kind == "quoted":
            self.advance()
            value = token.text[1:-1].replace('""', '"')
            return value if self._case_sensitive else value.lower()
        raise self.syntax_error()

    def names(self) -> tuple[str, ...]:
        """Take a list of identifiers in parentheses."""
        self.expect("(")
        found = [self.name()]
        while self.accept(","):
            found.append(self.name())
        self.expect(")")
        return tuple(found)

    def widths(self) -> tuple[tuple[str, int], ...]:
        """Take a fixed-width specification: `'label:width,…'`."""
        value = self.string()
        found = []
        for part in value.split(","):
            label, colon, width = part.rpartition(":")
            if not colon or not width.strip().isdigit() or int(width) == 0:
                raise self.error(f"Invalid fixedwidth specification '{value}': it is 'label:width, label:width, …'")
            found.append((label.strip(), int(width)))
        return tuple(found)

    def shown(self) -> str:
        """The statement with nothing in place of its secrets."""
        from standin.redshift.dialect.lexer import join

        tokens = []
        for token in self._tokens:
            if any(token is secret for secret in self._secrets):
                hidden = token.copy()
                hidden.text = "''"
                tokens.append(hidden)
            else:
                tokens.append(token)
        return join(tokens)

    def error(self, message: str, sqlstate: str = SYNTAX_ERROR) -> DialectError:
        """A refusal of what stands here."""
        from standin.redshift.dialect.statement import DialectError

        return DialectError(message, sqlstate=sqlstate, position=max(self.token.start, 0) + 1)

    def syntax_error(self, token: Token | None = None) -> DialectError:
        """Redshift's syntax error at a token (the next one), whose text is left out if it may be a secret."""
        from standin.redshift.dialect.statement import DialectError

        token = token or self.token
        if token.kind == "end":
            message = "syntax error at end of input"
        elif token.kind in ("string", "dollar", "broken"):
            message = "syntax error at or near a string literal"
        else:
            message = f'syntax error at or near "{token.text}"'
        return DialectError(message, sqlstate=SYNTAX_ERROR, position=max(token.start, 0) + 1)


class Options:
    """The options of a statement that were read so far, each at most once.

    Attributes:
        cursor: where the statement is read.
        values: what goes into the command's options, by name.
        given: the keyword under which each option was given.
    """

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.values: dict[str, Any] = {}
        self.given: dict[str, str] = {}

    def take(self, option: str, keyword: str) -> None:
        """Note that the option was given under this keyword."""
        if option in self.given:
            raise self.cursor.error("conflicting or redundant options")
        self.given[option] = keyword

    def put(self, option: str, keyword: str, value: object) -> None:
        """Note the option and its value."""
        self.take(option, keyword)
        self.values[option] = value
