"""Tokens: nothing is lost, and quotes, comments and parameters are what Redshift takes them for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standin.redshift.dialect.lexer import fold, join, lex, quote_literal, quote_name, split, string_value

KINDS = [
    ("select a_b$1, Á", ["word", "word", "punctuation", "word"]),
    ("'it''s' 'it\\'s' e'\\n' x'ff'", ["string"] * 4),
    ('"a""b" "select"', ["quoted", "quoted"]),
    ("($1,$2,$3)", ["punctuation", "parameter"] + ["punctuation", "parameter"] * 2 + ["punctuation"]),
    ("$$ a; 'b $$ $x$ $$ $x$", ["dollar", "dollar"]),
    ("1 1.5 .5 1e3 1.5e-3", ["number"] * 5),
    ("a::int[1]", ["word", "punctuation", "word", "punctuation", "number", "punctuation"]),
    ("1--2\n+3", ["number", "operator", "number"]),
    ("a/* x /* y */ ; */b", ["word", "word"]),
    ("1<-2", ["number", "operator", "operator", "number"]),
    ("a @- b", ["word", "operator", "word"]),
    ("#tmp a#b a # b", ["word", "word", "operator", "word", "word", "operator", "word"]),
    ("'open", ["broken"]),
    ("/* open", ["broken"]),
    ('a "open', ["word", "broken"]),
    ("$$ open", ["broken"]),
    ("\x00\\", ["broken", "broken"]),
]


@pytest.mark.parametrize(("sql", "kinds"), KINDS)
def test_every_token_has_its_kind(sql: str, kinds: list[str]) -> None:
    tokens = lex(sql)
    assert [token.kind for token in tokens] == [*kinds, "end"]
    assert join(tokens) == sql


@given(st.text() | st.text(alphabet="'\"$\\/*-; \nab1.:[](#"))
def test_joined_tokens_are_the_text(sql: str) -> None:
    tokens = lex(sql)
    assert join(tokens) == sql
    assert all(sql[token.start : token.start + len(token.text)] == token.text for token in tokens)


@given(st.text(alphabet="'\"$\\/*-; \nab", max_size=30))
def test_a_literal_is_one_token_with_its_value(value: str) -> None:
    for token in (lex(quote_literal(value))[0], lex(quote_literal(value) + " x")[0]):
        assert token.kind == "string"
        assert string_value(token) == value


@given(st.text(alphabet="\"'$;a B", min_size=1))
def test_a_quoted_name_is_one_token(name: str) -> None:
    first, end = lex(quote_name(name))
    assert (first.kind, end.kind) == ("quoted", "end")


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("'a'", "a"),
        ("'it''s'", "it's"),
        (r"'it\'s'", "it's"),
        (r"'a\nb\\'", "a\nb\\"),
        (r"'\x41\101\q'", "AAq"),
        ("$x$a'b$x$", "a'b"),
        ("N'ä'", "ä"),
    ],
)
def test_escapes_are_resolved_as_redshift_resolves_them(sql: str, value: str) -> None:
    assert string_value(lex(sql)[0]) == value


def test_statements_are_split_at_semicolons_outside_of_quotes_and_bodies() -> None:
    sql = "select ';' ; create procedure p() as $$ begin a; b; end $$ language plpgsql; -- ;\n select \";\" /* ; */"
    assert [join(piece) for piece in split(lex(sql))] == [
        "select ';' ",
        " create procedure p() as $$ begin a; b; end $$ language plpgsql",
        ' -- ;\n select ";" /* ; */',
    ]


def test_only_ascii_letters_are_folded() -> None:
    assert fold("ÄbC") == "Äbc"
    assert lex("SELECT")[0].word == "select"
