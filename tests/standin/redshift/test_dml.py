# ruff: noqa: E501 - a case is a line
"""INSERT, UPDATE, DELETE, MERGE and their kin, in Redshift's forms and by its rules."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from standin.redshift.dialect import Context, DialectError, rewrite

TABLES = """
create table target (id int, name varchar(10));
create table source (id int, name varchar(10));
insert into target values (101, 'Bob'), (102, 'John'), (103, 'Susan');
insert into source values (102, 'Tony'), (103, 'Alice'), (104, 'Bill');
"""


def _target(session: Any) -> list[tuple[int, str]]:
    return list(session("select * from target order by id, name"))


def _prepare(session: Any) -> None:
    for statement in TABLES.strip().split(";\n"):
        session(statement.rstrip(";"))


def test_merge_updates_inserts_and_deletes(redshift: Any) -> None:
    with redshift.session() as session:
        _prepare(session)
        session(
            "merge into target using source on target.id = source.id "
            "when matched then update set id = source.id, name = source.name "
            "when not matched then insert values (source.id, source.name)"
        )
        assert _target(session) == [(101, "Bob"), (102, "Tony"), (103, "Alice"), (104, "Bill")]
        session("insert into source values (105, 'David')")
        session(
            "merge into target using source as s on target.id = s.id when matched then delete "
            "when not matched then insert (name, id) values (s.name, s.id)"
        )
        assert _target(session) == [(101, "Bob"), (105, "David")]


def test_merge_with_remove_duplicates_replaces_what_matches(redshift: Any) -> None:
    with redshift.session() as session:
        _prepare(session)
        session("insert into target values (102, 'Jim')")
        session("merge into target using source s on target.id = s.id remove duplicates")
        assert _target(session) == [(101, "Bob"), (102, "Tony"), (103, "Alice"), (104, "Bill")]
        session("insert into source values (104, 'Twice')")
        for tail in (
            "remove duplicates",
            "when matched then update set name = s.name when not matched then insert values (s.id, s.name)",
        ):
            with pytest.raises(psycopg.Error, match="Found multiple matches to update the same tuple"):
                session(f"merge into target using source s on target.id = s.id {tail}")


def test_booleans_and_other_types(redshift: Any) -> None:
    """A whole number may be put where a boolean is wanted; a boolean is neither a number nor a string."""
    with redshift.session() as session:
        session("create table flags (yes boolean, said varchar(5)); insert into flags (yes) values (1), (0)")
        session("insert into flags (yes) select 5::bigint; update flags set said = 7 where yes")
        assert session("select yes, said from flags order by 1") == [(False, None), (True, "7"), (True, "7")]
        for expression in ("yes::varchar", "cast(yes as char(5))", "true::varchar(5)"):
            with pytest.raises(psycopg.errors.CannotCoerce, match="cannot cast type boolean to character varying"):
                session(f"select {expression} from flags")
        with pytest.raises(psycopg.errors.CannotCoerce):
            session("insert into flags (said) select true")
        with pytest.raises(psycopg.errors.UndefinedFunction, match="boolean > integer"):
            session("select yes > 1 from flags")


def test_delete_update_and_insert_in_redshifts_forms(redshift: Any) -> None:
    with redshift.session() as session:
        _prepare(session)
        session("delete target where id = 101")
        session("delete from target using source s where target.id = s.id and s.name = 'Tony'")
        session("update target set name = s.name from source s where s.id = target.id")
        session("insert into target values (1, default), (2, 'x')")
        session("insert into target (name, id) (select top 1 name, id from source where id = 104)")
        session("insert into target with n as (select 9 as id) select id, 'n' from n")
        assert _target(session) == [(1, None), (2, "x"), (9, "n"), (103, "Alice"), (104, "Bill")]


def test_truncate_commits(redshift: Any) -> None:
    with redshift.psycopg(autocommit=False) as connection:
        connection.execute("create table kept (a int)")
        connection.execute("insert into kept values (1)")
        connection.commit()
        connection.execute("insert into kept values (2)")
        connection.execute("truncate table kept")
        connection.rollback()
    assert redshift.execute("select count(*) from kept") == [(0,)]


def test_cursors_and_prepared_statements(redshift: Any) -> None:
    with redshift.session() as session:
        session("begin")
        session(
            "declare c cursor for select top 3 n from (select 1 as n union select 2 union select 3 union select 4) order by n"
        )
        assert session("fetch next from c") == [(1,)]
        assert session("fetch forward 5 from c") == [(2,), (3,)]
        session("close c")
        session("commit")
        session("prepare p (int) as select top 1 $1 + 1 as next")
        assert session("execute p(41)") == [(42,)]
        session("deallocate p")


def test_a_lock_is_taken_and_let_go(redshift: Any) -> None:
    redshift.execute("create table locked (a int)")
    redshift.execute("lock table locked")
    with redshift.session() as session:
        session("begin")
        session("lock locked")
        assert session(
            "select count(*) from pg_locks where relation = 'locked'::regclass and mode = 'AccessExclusiveLock'"
        ) == [(1,)]
        session("end")


REFUSED = [
    ("merge into target t using source s on t.id = s.id remove duplicates", 'near "t"'),
    ("merge into target using (select 1 as id) s on target.id = s.id remove duplicates",
     "Source view/subquery in Merge statement not supported yet."),
    ("merge into target using source s on target.id = s.id when matched then delete", "at end of input"),
    ("merge into target using source s on target.id = s.id when not matched then insert values (1)", "at end of input"),
    ("merge into target using source s on target.id = s.id when matched and s.id > 1 then delete when not matched then insert values (1)",
     'near "and"'),
    ("merge into target using source s on target.id = s.id when matched then do nothing when not matched then insert values (1)",
     'near "do"'),
    ("merge into target using source s on target.id = s.id when matched then update set a = s.value[0] "
     "when not matched then insert values (1)", "Partial reference of SUPER column is not supported in MERGE statement."),
    ("merge into target using target on target.id = target.id remove duplicates", "cannot be the same table"),
    ("delete from target t where t.id = 1", 'near "t"'),
    ("update target set (id, name) = (1, 'x')", 'near "("'),
    ("insert target values (1)", 'near "target"'),
    ("insert into target as t values (1)", 'near "as"'),
    ("truncate target cascade", 'near "cascade"'),
    ("truncate target, source", 'near ","'),
    ("lock table target in share mode", 'near "in"'),
    ("declare c scroll cursor for select 1", 'near "scroll"'),
    ("declare c cursor with hold for select 1", 'near "with"'),
    ("fetch prior from c", "forward-only"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "message"), REFUSED, ids=[sql[:90] for sql, _ in REFUSED])
def test_what_redshift_does_not_take_is_refused(sql: str, message: str) -> None:
    with pytest.raises(DialectError) as caught:
        rewrite(sql, Context())
    assert message in caught.value.message


def test_copy_and_unload_become_commands_for_the_connection() -> None:
    (copy,) = rewrite("copy t from 's3://b/k' iam_role 'arn:aws:iam::1:role/r' csv", Context())
    assert (copy.kind, type(copy.action).__name__) == ("copy", "CopyCommand")
    (unload,) = rewrite("unload ('select top 2 a from t') to 's3://b/k' iam_role 'arn:aws:iam::1:role/r'", Context())
    assert (unload.kind, type(unload.action).__name__) == ("unload", "UnloadCommand")
    with pytest.raises(DialectError, match="syntax error"):
        rewrite("unload ('delete from t') to 's3://b/k' iam_role 'arn:aws:iam::1:role/r'", Context())


def test_no_secret_of_a_copy_stays_in_the_statement() -> None:
    sql = "copy t from 's3://b/k' access_key_id 'AKIAX' secret_access_key 'hush' csv"
    (copy,) = rewrite(sql, Context())
    assert "hush" not in copy.text
    assert "hush" not in repr(copy)
