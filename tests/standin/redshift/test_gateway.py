"""The gateway relays: transactions, batches and cancellation are Postgres' own, and Redshift's where they differ."""

from __future__ import annotations

import asyncio
import struct
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import wire
from psycopg import sql
from wire import SYNC, Wire, bind, describe, execute, log_in, parse

from standin.redshift import protocol, upstream
from standin.redshift.process import face as running_face


def test_a_statement_goes_through_simple_and_extended(redshift):
    with redshift.session() as run:
        assert run("select 1") == [(1,)]
        assert run("select %s::int + 1", [41]) == [(42,)]
        assert run("") == []
        assert run("-- nothing but words") == []


def test_statements_of_one_query_are_one_transaction(redshift):
    with closing(redshift.psycopg()) as connection:
        connection.execute("create table t (a int)")
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("insert into t values (1); select 1 / 0")
        assert connection.execute("select count(*) from t").fetchone() == (0,)
        connection.execute("insert into t values (1); insert into t values (2)")
        assert connection.execute("select count(*) from t").fetchone() == (2,)


def test_a_copy_among_the_statements_of_one_query_is_in_their_transaction(redshift, s3):
    source = s3.put("t.csv", b"1\n2\n")
    copy = f"copy t from '{source}' iam_role default csv"
    with log_in(redshift) as client:
        assert client.ask(protocol.query("create table t (a int)")) == "CZ"
        assert client.ask(protocol.query(f"insert into t values (0); {copy}; select 1 / 0")) == "CNCEZ"
        assert client.ask(protocol.query("select a from t")) == "TCZ"
        assert client.ask(protocol.query(f"insert into t values (0); {copy}; select a from t")) == "CNCTDDDCZ"
        client.send(protocol.query(f"begin; {copy}; rollback; select count(*) from t"))
        rows = [body for kind, body in client.until("Z") if kind == "D"]
        assert protocol.row(rows[0]) == [b"3"]


def test_an_error_skips_the_rest_of_the_batch(redshift):
    with log_in(redshift) as client:
        good = parse("select 1") + bind() + describe() + execute()
        bad = parse("select 1 / 0") + bind() + execute()
        assert client.ask(good, good, SYNC) == "12TDC12TDCZ"
        assert client.ask(good, bad, good, SYNC, good, SYNC) == "12TDC1EZ"
        assert "".join(kind for kind, _ in client.until("Z")) == "12TDCZ"
        refused = parse("create index i on t (a)") + bind() + execute()
        assert client.ask(good, refused, good, SYNC) == "12TDCEZ"


def test_queries_may_be_sent_before_their_answers_are_read(redshift):
    with log_in(redshift) as client:
        client.send(*[protocol.query(f"select {number}") for number in range(50)])
        rows = [protocol.row(body) for _ in range(50) for kind, body in client.until("Z") if kind == "D"]
        assert rows == [[str(number).encode()] for number in range(50)]


def test_messages_may_come_in_pieces_of_any_size(redshift):
    batch = parse("select %s" % ("'" + "x" * 3000 + "'")) + bind() + describe() + execute() + SYNC
    with log_in(redshift) as client:
        for size in (1, 3, 7, 1000):
            for start in range(0, len(batch), size):
                client.send(batch[start : start + size])
            assert "".join(kind for kind, _ in client.until("Z")) == "12TDCZ"


def test_portals_can_be_read_in_portions(redshift):
    some = protocol.message(b"E", b"\0" + (2).to_bytes(4, "big"))
    with log_in(redshift) as client:
        batch = parse("select * from generate_series(1, 3)") + bind()
        assert client.ask(batch, some, some, SYNC) == "12DDsDCZ"


def test_a_refusal_fails_the_transaction_as_an_error_of_postgres_does(redshift):
    with closing(redshift.psycopg(autocommit=False)) as connection:
        connection.execute("create table t (a int)")
        with pytest.raises(psycopg.Error):
            connection.execute("create index i on t (a)")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("select 1")
        connection.rollback()
        assert connection.execute("select 1").fetchone() == (1,)


def test_truncate_commits(redshift):
    for parameters in (None, []):
        with closing(redshift.psycopg(autocommit=False)) as connection:
            connection.execute("create table if not exists t (a int)")
            connection.execute("insert into t values (1)")
            cursor = connection.execute("truncate t", parameters, prepare=parameters is not None)
            assert cursor.statusmessage == "TRUNCATE TABLE"
            connection.execute("insert into t values (2)")
            connection.rollback()
            assert connection.execute("select count(*) from t").fetchone() == (0,)


def test_what_is_bound_after_truncate_does_not_commit(redshift):
    with log_in(redshift) as client:
        client.ask(protocol.query("create table t (a int)"))
        # unnamed statements in the unnamed portal, as drivers send them
        client.send(parse("truncate t"), bind(), execute(), SYNC)
        assert client.until("Z")[-1] == ("Z", b"I")
        client.ask(protocol.query("begin"))
        client.send(parse("insert into t values (1)"), bind(), execute(), SYNC)
        assert client.until("Z")[-1] == ("Z", b"T")


def test_truncate_in_a_query_of_several_commits_what_stands_before_it(redshift):
    with closing(redshift.psycopg()) as connection:
        connection.execute("create table t (a int); create table other (a int)")
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("insert into other values (1); truncate t; insert into other values (2); select 1 / 0")
        assert connection.execute("select a from other").fetchall() == [(1,)]


@pytest.mark.parametrize("prepare", [False, True])
def test_vacuum_stands_outside_of_transactions(redshift, prepare):
    with closing(redshift.psycopg()) as connection:
        connection.execute("create table t (a int)")
        assert connection.execute("vacuum t", prepare=prepare).statusmessage == "VACUUM"
        connection.execute("begin")
        with pytest.raises(psycopg.errors.ActiveSqlTransaction, match="VACUUM cannot run inside a transaction block"):
            connection.execute("vacuum t", prepare=prepare)


def test_columns_are_asked_for_in_the_middle_of_a_batch_and_of_a_transaction(redshift):
    query = "select * exclude (a) from wide"
    with log_in(redshift) as client:
        assert client.ask(protocol.query("begin; create table wide (a int, b int, c super)")) == "CCZ"
        assert client.ask(protocol.query("insert into wide values (1, 2, null)")) == "CZ"
        one = parse("select 1") + bind() + execute()
        client.send(one, parse(query), bind(), describe(), execute(), one, SYNC)
        messages = client.until("Z")
        assert "".join(kind for kind, _ in messages) == "12DC12TDC12DCZ"
        assert [column.name for column in protocol.columns(messages[6][1])] == ["b", "c"]
        assert client.ask(protocol.query(query)) == "TDCZ"
        assert client.ask(protocol.query(f"select 1; {query}")) == "TDCTDCZ"
        missing = parse("select * exclude (a) from missing")
        assert client.ask(one, missing, bind(), execute(), one, SYNC) == "12DCEZ"
        # the transaction has failed, and the backend answers no question of the gateway's
        assert client.ask(protocol.query(query)) == "EZ"
        assert client.ask(parse(query), bind(), execute(), SYNC) == "EZ"


def test_columns_are_those_of_the_moment(redshift):
    with redshift.session() as run:
        for columns in ("a int, b int", "a int, c int, d int"):
            run(f"create table wide ({columns})")
            assert run("insert into wide select * from wide where false") == []
            assert run("select count(*) from (select * exclude (a) from wide) as w") == [(0,)]
            run("drop table wide")


def test_parameters_of_a_statement_that_needs_columns(redshift):
    with redshift.session() as run:
        run("create table nested (id int, a super, unwanted int)")
        run("insert into nested select 1, json_parse('{\"b\": [5, 6]}')")
        assert run("select s.a.b[1]::int from nested as s where s.id = %s", [1]) == [(6,)]
        query = "select * exclude (unwanted) from (select id, unwanted from nested where id = %s) as s"
        assert run(query, [1]) == [(1,)]


def test_case_sensitivity_is_the_session_s(redshift):
    query = 'select "A" from t'
    sensitive = redshift.session(options="-c enable_case_sensitive_identifier=true")
    with redshift.session() as run, redshift.session() as other, sensitive as run_sensitive:
        run('create table t ("A" int)')
        run("set enable_case_sensitive_identifier to true")
        for session in (run, run_sensitive):
            with pytest.raises(psycopg.errors.UndefinedColumn):
                session(query)
        assert other(query) == []
        run("reset enable_case_sensitive_identifier")
        assert run(query) == []


ON, OFF = (f"set enable_case_sensitive_identifier to {value}" for value in ("on", "off"))


@pytest.mark.parametrize("prepare", [False, True])
@pytest.mark.parametrize(
    ("statements", "is_sensitive"),
    [
        (["begin", ON, "commit"], True),
        (["begin", ON, "rollback"], False),
        ([ON, "begin", OFF, "select 1 / 0", "commit"], True),
        (["begin", "set local enable_case_sensitive_identifier to on", "commit"], False),
        ([ON, "begin", "reset all", "abort"], True),
        (["begin", ON, "truncate t", "rollback"], True),
    ],
)
def test_case_sensitivity_goes_with_the_transaction(redshift, prepare, statements, is_sensitive):
    with closing(redshift.psycopg()) as connection:
        connection.execute("create table t (a int)")
        for statement in statements:
            if "/ 0" in statement:
                with pytest.raises(psycopg.errors.DivisionByZero):
                    connection.execute(statement)
            else:
                connection.execute(statement, prepare=prepare)
        shown = connection.execute("show enable_case_sensitive_identifier").fetchone()
        assert shown == ("on" if is_sensitive else "off",)
        (column,) = connection.execute('select 1 as "A"', prepare=prepare).description
        assert column.name == ("A" if is_sensitive else "a")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (f'select 1 as "A"; {ON}; select 1 as "A"; select 2 as "B"; {OFF}; select 3 as "C"', "aABc"),
        (f'begin; {ON}; select 1 as "A"; rollback; select 1 as "A"', "Aa"),
        (f'{ON}; select * exclude ("B") from (select 1 as "A", 2 as "B")', "A"),
    ],
)
def test_case_sensitivity_may_change_within_a_query(redshift, query, names):
    with log_in(redshift) as client:
        client.send(protocol.query(query))
        described = [protocol.columns(body) for kind, body in client.until("Z") if kind == "T"]
        assert "".join(column.name for (column,) in described) == names


def test_what_follows_a_change_of_case_sensitivity_waits_for_it(redshift):
    ask = parse('select 1 as "A"') + bind() + describe() + execute()
    with log_in(redshift) as client:
        client.send(protocol.query(ON), ask, SYNC, parse(OFF, "off") + bind("", "off") + execute(), ask, SYNC)
        client.send(protocol.query("begin"), protocol.query(ON), ask, SYNC, protocol.query("rollback"), ask, SYNC)
        messages = [message for _ in range(8) for message in client.until("Z")]
        assert "".join(kind for kind, _ in messages) == "CZ" + "12TDCZ" + "12C12TDCZ" + "CZCZ12TDCZ" + "CZ12TDCZ"
        described = [protocol.columns(body)[0].name for kind, body in messages if kind == "T"]
        assert described == ["A", "a", "A", "a"]


def test_errors_after_a_change_of_case_sensitivity_are_at_their_places(redshift):
    for wrong in ('select 1 as "A", nonsense', "create index i on nonsense (a)"):
        text = f'{ON}; select 1 as "ä"; {wrong}'
        with closing(redshift.psycopg()) as connection:
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(sql.SQL(text))
            place = int(caught.value.diag.statement_position) - 1
            assert text[place:].startswith(("nonsense", "index"))
            assert connection.execute("show enable_case_sensitive_identifier").fetchone() == ("off",)


def test_case_sensitivity_is_reset_to_what_the_session_began_with(redshift):
    with redshift.session(options="-c enable_case_sensitive_identifier=on") as run:
        run(OFF)
        run("reset enable_case_sensitive_identifier")
        assert run('select "A" from (select 1 as "A", 2 as a)') == [(1,)]
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            run("select set_config('enable_case_sensitive_identifier', 'off', false)")


@pytest.mark.parametrize("prepare", [False, True])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("select 1 as a, getdate() as b, nonsense", "nonsense"),
        ("create table t (a int distkey, b numeric(99,2))", "99,2))"),
        ("select dateadd(day, 1, getdate()), 'x' as \"A\" from missing", "missing"),
    ],
)
def test_positions_of_errors_are_those_of_the_client_s_text(redshift, prepare, text, place):
    with closing(redshift.psycopg()) as connection:
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(sql.SQL(text), prepare=prepare)
        assert text[int(caught.value.diag.statement_position) - 1 :] == place


def test_positions_in_a_query_of_several_statements(redshift):
    text = "select getdate(); select dateadd(day, 1, getdate()), nonsense"
    with closing(redshift.psycopg()) as connection:
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(sql.SQL(text))
        assert text[int(caught.value.diag.statement_position) - 1 :] == "nonsense"


def test_a_running_statement_can_be_cancelled(redshift):
    with closing(redshift.psycopg()) as connection:
        stopped = threading.Event()

        def cancel() -> None:
            # again and again: the first may come before the statement
            while not stopped.wait(0.05):
                connection.cancel()

        canceller = threading.Thread(target=cancel)
        canceller.start()
        try:
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("select count(*) from generate_series(1, 100000000000)")
        finally:
            stopped.set()
            canceller.join()
    assert redshift.execute("select 1") == [(1,)]


def test_rows_can_be_copied_in_and_out(redshift):
    with closing(redshift.psycopg()) as connection, connection.cursor() as cursor:
        cursor.execute("create table t (a int, b varchar(5000))")
        with cursor.copy("copy t from stdin") as copy:
            for number in range(2000):
                copy.write_row((number, "x" * (number % 4000)))
        with cursor.copy("copy (select a, length(b) from t order by 1) to stdout") as copy:
            rows = list(copy.rows())
        assert rows == [(str(number), str(number % 4000)) for number in range(2000)]
        with pytest.raises(psycopg.errors.InvalidTextRepresentation), cursor.copy("copy t from stdin") as copy:
            copy.write_row(("nonsense", "x"))
        assert cursor.execute("select count(*) from t").fetchone() == (2000,)


def test_a_copy_in_the_extended_protocol_swallows_the_sync_before_its_rows(redshift):
    with log_in(redshift) as client:
        client.ask(protocol.query("create table t (a int)"))
        client.send(parse("copy t from stdin"), bind(), execute(), SYNC)
        assert "".join(kind for kind, _ in client.until("G")) == "12G"
        client.send(protocol.message(b"d", b"1\n"), protocol.COPY_DONE)
        assert client.ask(SYNC) == "CZ"
        # an answer that was still expected would hold this one back for ever
        assert client.ask(protocol.query("select s.a from (select 1 as a) as s")) == "TDCZ"


def test_binary_results(redshift):
    with closing(redshift.psycopg()) as connection, connection.cursor(binary=True) as cursor:
        row = cursor.execute("select 1::int, 'x'::varchar, 1.5::float8, true, date '2024-02-29'").fetchone()
        assert [str(value) for value in row] == ["1", "x", "1.5", "True", "2024-02-29"]


def test_notices_reach_the_client(redshift):
    with closing(redshift.psycopg()) as connection:
        heard = []
        connection.add_notice_handler(lambda diagnostic: heard.append(diagnostic.message_primary))
        connection.execute("drop table if exists nothing_there")
        assert len(heard) == 1


def test_the_server_says_that_it_is_redshift(redshift):
    with closing(redshift.psycopg()) as connection:
        assert connection.info.parameter_status("server_version") == "8.0.2"
        assert "Redshift" in connection.execute("select version()").fetchone()[0]


def test_values_in_strings_are_escaped_by_backslashes_and_times_are_utc(redshift):
    assert redshift.execute(r"select 'a\'b', 'c\\d', current_setting('timezone')") == [("a'b", r"c\d", "UTC")]


def test_a_statement_beyond_the_limit_is_refused_and_the_connection_goes_on(redshift):
    giant = "select '" + "x" * 17_000_000 + "'"
    with log_in(redshift) as client:
        client.send(protocol.query(giant))
        (_, error), ready = client.until("Z")
        assert protocol.split_fields(error)["M"].startswith("Statement is too large. Statement Size: 170000")
        assert ready == ("Z", b"I")
        assert client.ask(parse(giant), bind(), execute(), SYNC) == "EZ"
        assert client.ask(protocol.query("select 1")) == "TDCZ"


def test_a_large_parameter_and_a_large_value_pass(redshift):
    with redshift.session() as run:
        assert run("select length(%s)", ["x" * 20_000_000]) == [(20_000_000,)]


def test_start_up_options_of_redshift_and_of_postgres(redshift):
    with redshift.psycopg(options="-c query_group=nightly -c statement_timeout=7000") as connection:
        row = connection.execute("select current_setting('redshift.query_group'), current_setting('statement_timeout')")
        assert row.fetchone() == ("nightly", "7s")
    with pytest.raises(psycopg.OperationalError, match='unrecognized configuration parameter "nonsense"'):
        redshift.psycopg(options="-c nonsense=1")
    with pytest.raises(psycopg.OperationalError, match="only -c name=value is understood"):
        redshift.psycopg(options="-x")


def test_wrong_password_and_missing_database(redshift):
    for driver in ({"driver_version": "Redshift"}, {}):
        with Wire(redshift.host, redshift.port) as client:
            told = {"user": redshift.user, "database": "absent", **driver}
            client.send(protocol.startup(protocol.PROTOCOL_3, told))
            kind, body = client.receive()
            assert (kind, body[3]) == ("R", 3 if driver else 10)
            if driver:
                client.send(protocol.message(b"p", b"wrong\0"))
                kind, body = client.receive()
                assert (kind, protocol.split_fields(body)["C"]) == ("E", "28P01")
    with pytest.raises(psycopg.OperationalError, match='database "absent" does not exist'):
        psycopg.connect(redshift.url.replace(redshift.database, "absent"))


def test_tls_with_a_certificate_of_its_own(warehouse_factory, redshift, tmp_path: Path):
    with running_face(warehouse_factory.server, tls=tmp_path) as secured:
        url = redshift.url.replace(f":{redshift.port}/", f":{secured.port}/")
        connection = psycopg.connect(url, sslmode="verify-full", sslrootcert=str(tmp_path / "ca.crt"))
        with connection:
            assert connection.pgconn.ssl_in_use
            assert connection.execute("select 1").fetchone() == (1,)
        with psycopg.connect(url, sslmode="disable") as connection:
            assert not connection.pgconn.ssl_in_use
        with Wire(secured.host, secured.port) as client:
            # what follows unencrypted would be taken for encrypted
            client.send(wire.protocol.message(b"", b"")[:0] + b"\0\0\0\x08\x04\xd2\x16\x2f" + b"injected")
            assert client.until("E")[-1][0] == "E"
    assert (tmp_path / "server.key").stat().st_mode & 0o077 == 0
    with pytest.raises(psycopg.OperationalError, match="server does not support SSL"):
        redshift.psycopg(sslmode="require")


def test_postgres_is_reached_by_its_socket_and_without_one(warehouse_factory, redshift):
    server = warehouse_factory.server

    async def family(name: str | None) -> str:
        reader, writer = await upstream.open_streams(replace(server, socket=name))
        writer.write(struct.pack("!II", 8, protocol.SSL_REQUEST))
        assert await reader.readexactly(1) == b"N"
        found: str = writer.get_extra_info("socket").family.name
        writer.close()
        return found

    assert asyncio.run(family(None)) == "AF_INET"
    assert asyncio.run(family("@nobody/.s.PGSQL.1")) == "AF_INET"
    if server.socket is not None:
        assert asyncio.run(family(server.socket)) == "AF_UNIX"
    assert redshift.execute("select distinct trim(remotehost) from stl_connection_log") == [("127.0.0.1/32",)]
