"""The engine: untouched statements, edits at token level, positions in the client's text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standin.redshift.dialect import ColumnsNeeded, Context, DialectError, Statement, rewrite
from standin.redshift.dialect.lexer import lex
from standin.redshift.dialect.rewrite import Draft, fragment

UNTOUCHED = [
    "select 1",
    "SELECT  a ,b FROM s.t -- why\n WHERE x = 'it''s' /* so */ AND y = $1 ORDER BY 1 LIMIT 5;",
    'select "quoted" from "s"."t"',
    "insert into t (a, b) values ($1, $2), ('x', default)",
    "update t set a = 1 from u where u.id = t.id",
    "delete from t using u where u.id = t.id",
    "with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select * from r",
    "select sum(a) over (partition by b order by c rows unbounded preceding) from t",
    "begin",
    "select 'open",
    "",
    ";",
]


@pytest.mark.parametrize("sql", UNTOUCHED)
def test_what_needs_nothing_passes_as_it_is(sql: str) -> None:
    (statement,) = rewrite(sql, Context())
    assert statement.text == sql
    assert (statement.tag, statement.action, statement.spots) == (None, None, ())


def test_statements_of_one_text_are_apart_and_know_where_they_began() -> None:
    first, second = rewrite("select 1; -- two\n select top 1 a from t", Context())
    assert first == Statement("select 1", "select")
    assert second.text == " -- two\n select a from t limit 1"
    assert (second.kind, second.start) == ("select", 9)


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("select nope from t", "nope"),
        ("select 1;\n\nselect nope from t", "nope"),
        ("select top 5 x, nope from t", "nope"),
        ("select a.b[0].c, nope from t as a", "nope"),
        ("select x from t as a1 qualify row_number() over (order by nope) = 1", "nope"),
    ],
)
def test_a_position_in_postgres_text_is_one_in_the_clients(sql: str, word: str) -> None:
    statement = rewrite(sql, Context())[-1]
    assert statement.position(statement.text.index(word) + 1) == sql.index(word) + 1


def test_a_position_inside_of_what_was_put_in_stays_near() -> None:
    sql = "select data.a.b from t as data2"
    (statement,) = rewrite(sql, Context())
    assert 8 <= statement.position(statement.text.index("super_get") + 1) <= 16


def test_an_error_tells_its_position() -> None:
    with pytest.raises(DialectError) as caught:
        rewrite("select 1; select\n distinct on (a) b from t", Context())
    assert caught.value.position == "select 1; select\n distinct on (a) b from t".index("distinct") + 1


def test_an_unbalanced_parenthesis_is_a_syntax_error() -> None:
    with pytest.raises(DialectError, match="syntax error at end of input"):
        rewrite("select nvl2(a, b from t qualify (", Context())


def test_columns_are_asked_for_and_used() -> None:
    sql = "select * exclude (b) from t"
    with pytest.raises(ColumnsNeeded) as needed:
        rewrite(sql, Context())
    assert needed.value.relations == ('"t"',)
    (statement,) = rewrite(sql, Context(columns={'"t"': (("a", "integer"), ("b", "integer"))}))
    assert statement.text == 'select "t"."a" from t'


def test_the_same_text_with_other_settings_is_another_statement() -> None:
    folded, kept = (rewrite('select "A" from t', Context(case_sensitive=flag))[0].text for flag in (False, True))
    assert (folded, kept) == ('select "a" from t', 'select "A" from t')


def test_numbers_do_not_matter_to_what_is_remembered_as_untouched() -> None:
    assert rewrite("select a from t where id = 41", Context())[0].text == "select a from t where id = 41"
    assert rewrite("select a from t where id = 42", Context())[0].text == "select a from t where id = 42"
    assert rewrite("select top 42 a from t", Context())[0].text == "select a from t limit 42"


def _draft(sql: str) -> Draft:
    return Draft(lex(sql), Context())


def test_a_draft_is_read_by_places() -> None:
    draft = _draft('select f(a, (b, c)) from "S".T')
    assert draft.is_call(1)
    assert [draft.text(lo, hi) for lo, hi in draft.arguments(2)] == ["a", "(b, c)"]
    assert draft.open(draft.close(2)) == 2
    assert draft.name(draft.close(2) + 2) == (["s", "t"], len(draft.tokens) - 1)
    assert draft.word(99) == ""
    assert draft.mark(-1) == ""


def test_edits_keep_the_layout_and_keep_words_apart() -> None:
    draft = _draft("select /* x */ nvl(a,b)from t")
    draft.replace(1, draft.close(2) + 1, "case when", draft.slice(3, 4), "then", draft.slice(5, 6), "end")
    assert draft.statement(0).text == "select /* x */ case when a then b end from t"


def test_a_removed_token_leaves_its_space_behind() -> None:
    draft = _draft("select top 5 a")
    draft.remove(1, 3)
    assert draft.statement(0).text == "select a"


def test_a_comment_goes_behind_the_last_token() -> None:
    draft = _draft("create table t (a int) -- note\n")
    draft.comment = "rs:x:rs"
    assert draft.statement(0).text == "create table t (a int) /*rs:x:rs*/ -- note\n"


def test_a_table_named_with_a_hash_is_temporary() -> None:
    assert rewrite("select 1 as a into #t", Context())[0].text == 'select 1 as a into temp "#t"'


def test_a_fragment_goes_through_the_passes() -> None:
    assert fragment("select top 1 a", Context()) == "select a limit 1"


WORDS = """
select from where group by all qualify top 5 pivot unpivot ( ) [ ] , . :: ; 'x' "y" a b t over exclude * merge into
using on when matched then with as union minus order limit case when end ignore nulls $1 = super copy unload create
table insert values set show vacuum analyze begin declare fetch truncate lock for in at include distinct
start connect prior window filter array remove duplicates delete update grant alter drop call execute
"""
WORD = st.sampled_from(sorted(set(WORDS.split())))
STATEMENTS = """
select a , b from t as x where a = 1 qualify row_number() over ( partition by a order by b ) = 1 order by a limit 1
merge into t using s on t . id = s . id when matched then update set a = s . a when not matched then insert values ( 1 )
merge into t using s on t . id = s . id remove duplicates
select * from t pivot ( sum ( a ) for b in ( 1 , 2 as x ) ) as p
select c . a [ 0 ] . b , d from t c , c . x as d at i where c . y . z = 1
select id , level from t start with a is null connect by prior id = a
select a as b , b + 1 as c from t x , u y where x . a = y . a ( + ) group by all
select lag ( a ignore nulls ) over ( order by b ) , top 5 from t union all select top 1 * exclude ( a ) from u
"""


@st.composite
def broken(draw: st.DrawFn) -> str:
    """A statement with words put in and taken out."""
    words = draw(st.sampled_from(STATEMENTS.strip().splitlines())).split()
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(words) - 1))
        words[place : place + draw(st.integers(0, 1))] = draw(st.lists(WORD, max_size=1))
        words = words or ["select"]
    return " ".join(words)


TEXTS = st.lists(WORD, max_size=25).map(" ".join) | st.text(max_size=60) | broken()


KNOWN = {f'"{name}"': (("a", "integer"), ("b", "integer"), ("id", "integer")) for name in "tu"}


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_no_text_makes_rewriting_crash(sql: str) -> None:
    try:
        statements = rewrite(sql, Context(columns=KNOWN))
    except (DialectError, ColumnsNeeded):
        return
    assert statements


LITERALS = st.text(alphabet="ab'\"\\;$/*- returning(conflict)", max_size=20)


@settings(max_examples=200, deadline=None)
@given(LITERALS, LITERALS)
def test_strings_and_comments_are_never_touched(value: str, note: str) -> None:
    from standin.redshift.dialect.lexer import quote_literal

    literal = quote_literal(value)
    comment = "/* " + note.replace("*/", "").replace("/*", "").replace("*", "").replace("/", "") + " */"
    sql = f"select top 3 {literal} as a, t.x.y {comment} from t as a1 qualify row_number() over (order by a) = 1"
    (statement,) = rewrite(sql, Context(columns={'"t"': (("x", "super"),)}))
    assert [token.text for token in lex(statement.text) if token.text == literal]
    assert comment in statement.text
