"""Whatever comes to the door, the gateway stays up, and keeps nothing of who is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire import SYNC, Wire, bind, execute, log_in, parse

from standin.processes import is_alive, wait_until
from standin.redshift import protocol
from standin.redshift.process import face as running_face
from standin.warehouse import WarehouseFactory

STARTUP = protocol.startup(protocol.PROTOCOL_3, {"user": "majakka", "database": "x"})


@pytest.fixture(scope="module")
def own_face(warehouse_factory: WarehouseFactory, tmp_path_factory):
    """A gateway of this module's own, so that its descriptors can be counted; its log is a file."""
    log = tmp_path_factory.mktemp("face") / "face.log"
    with running_face(warehouse_factory.server, log=log) as running:
        running.log = log
        yield running


def descriptors(face) -> int:
    return len(list(Path(f"/proc/{face.pid}/fd").iterdir()))


def backends(warehouse) -> int:
    with warehouse.behind.connect() as connection:
        query = "select count(*) - 1 from pg_stat_activity where datname = current_database()"
        return connection.execute(query).fetchone()[0]


def url(own_face, redshift) -> str:
    return redshift.url.replace(f":{redshift.port}/", f":{own_face.port}/")


def test_five_hundred_connections_at_once_and_not_one_more(own_face, redshift):
    before = descriptors(own_face)

    async def one(entered: asyncio.Semaphore, ready: asyncio.Barrier) -> int:
        async with entered:
            connection = await psycopg.AsyncConnection.connect(url(own_face, redshift), connect_timeout=60)
        await ready.wait()
        async with connection:
            # all are in now, and nobody has left
            await ready.wait()
            return (await (await connection.execute("select 1")).fetchone())[0]

    async def too_many(ready: asyncio.Barrier) -> int:
        await ready.wait()
        with pytest.raises(psycopg.OperationalError, match='connection limit "500" exceeded for non-bootstrap users'):
            await psycopg.AsyncConnection.connect(url(own_face, redshift), connect_timeout=60)
        await ready.wait()
        return 1

    async def all_of_them() -> list[int]:
        entered, ready = asyncio.Semaphore(50), asyncio.Barrier(501)
        return await asyncio.gather(too_many(ready), *[one(entered, ready) for _ in range(500)])

    assert asyncio.run(all_of_them()) == [1] * 501
    assert wait_until(lambda: descriptors(own_face) <= before, 10)
    assert wait_until(lambda: backends(redshift) == 0, 10)


def test_a_killed_client_s_statement_is_cancelled_and_its_backend_ends(own_face, redshift):
    before = descriptors(own_face)
    endless = "select count(*) from generate_series(1, 1000000000000)"
    script = f"import psycopg; psycopg.connect({url(own_face, redshift)!r}).execute({endless!r})"
    client = subprocess.Popen([sys.executable, "-c", script])

    def counting() -> bool:
        with redshift.behind.connect() as connection:
            found = connection.execute(
                "select count(*) from pg_stat_activity where query like %s and pid <> pg_backend_pid()",
                ["select count(*) from generate_series%"],
            )
            return found.fetchone()[0] == 1

    assert wait_until(counting, 20)
    client.send_signal(signal.SIGKILL)
    client.wait()
    assert wait_until(lambda: backends(redshift) == 0, 10)
    assert wait_until(lambda: descriptors(own_face) <= before, 10)


def test_a_client_that_does_not_read_holds_up_its_own_backend_only(own_face, redshift):
    def memory() -> int:
        fields = Path(f"/proc/{own_face.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    before = memory()
    with redshift.psycopg(host=own_face.host, port=own_face.port) as other:
        with log_in_at(own_face, redshift) as lazy:
            lazy.send(protocol.query("select repeat('x', 1000) from generate_series(1, 300000)"))
            for number in range(50):
                assert other.execute("select %s::int", [number]).fetchone() == (number,)
            assert memory() - before < 50_000_000
        assert wait_until(lambda: backends(redshift) == 1, 10)


def log_in_at(face, redshift) -> Wire:
    from dataclasses import replace

    return log_in(replace(redshift, host=face.host, port=face.port))


HALVES = {
    "nothing": b"",
    "half a length": b"\0\0",
    "half a start-up packet": STARTUP[:20],
    "a start-up packet without an end": struct.pack("!II", 20, protocol.PROTOCOL_3) + b"user\0x\0datab",
    "a start-up packet and no password": STARTUP,
}


@pytest.mark.parametrize("name", HALVES)
def test_half_sent_greetings_leave_nothing(own_face, redshift, name):
    before = descriptors(own_face)
    for _ in range(3):
        with Wire(own_face.host, own_face.port) as client:
            client.send(HALVES[name])
    assert wait_until(lambda: descriptors(own_face) <= before, 10)


@pytest.mark.parametrize(
    "half",
    [
        protocol.query("select 1")[:7],
        parse("select 1") + bind() + execute(),
        protocol.query("begin; lock pg_class"),
        b"Q\0\x10\0\0" + b"select",
        b"B\0\x10\0\0" + b"\0\0",
    ],
)
def test_half_sent_statements_leave_nothing(own_face, redshift, half):
    before = descriptors(own_face)
    with log_in_at(own_face, redshift) as client:
        client.send(half)
    assert wait_until(lambda: backends(redshift) == 0, 10)
    assert wait_until(lambda: descriptors(own_face) <= before, 10)


@pytest.mark.parametrize(
    "greeting",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"\xff\xff\xff\xff" + bytes(4),
        struct.pack("!II", 0, 0),
        struct.pack("!II", 2**31 - 1, protocol.PROTOCOL_3),
        struct.pack("!II", 9, 2 << 16) + b"\0",
        struct.pack("!II", 12, protocol.PROTOCOL_3) + b"user",
        struct.pack("!II", 13, protocol.PROTOCOL_3) + b"\xff\xfe\xff\0\0",
    ],
)
def test_a_greeting_that_makes_no_sense_ends_with_an_error(own_face, greeting):
    with Wire(own_face.host, own_face.port) as client:
        client.send(greeting)
        kind, body = client.receive()
        assert (kind, protocol.split_fields(body)["S"]) == ("E", "FATAL")
        assert client.is_closed()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"Q\0\0\0\3",
        b"\0\0\0\0\0",
        b"Z\0\0\0\5I",
        b"B" + struct.pack("!I", 2**31 - 1) + b"x" * 100_000,
        b"x" * 1000,
        b"C\0\0\0\4",
        b"D\0\0\0\4",
        b"E\0\0\0\4",
        b"P\0\0\0\4",
        b"B\0\0\0\4",
        b"Q\0\0\0\4",
    ],
)
def test_nonsense_ends_the_connection_and_no_other(own_face, redshift, nonsense):
    with log_in_at(own_face, redshift) as other, log_in_at(own_face, redshift) as client:
        client.send(nonsense)
        client.socket.shutdown(socket.SHUT_WR)
        assert client.is_closed()
        assert own_face.log.read_text() == ""
        assert other.ask(protocol.query("select 1")) == "TDCZ"
    assert wait_until(lambda: backends(redshift) == 0, 10)


@pytest.fixture(scope="module")
def fuzzed(warehouse_factory):
    with warehouse_factory.warehouse(redshift=True) as made:
        yield made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.builds(
                lambda kind, body: protocol.message(bytes([kind]), body),
                st.sampled_from(b"QPBEDCSHFdcfpX"),
                st.binary(max_size=30),
            ),
            st.sampled_from([parse("select 1"), bind(), execute(), SYNC, protocol.query("select s.a from x as s")]),
        ),
        max_size=6,
    )
)
def test_random_messages_never_hurt_the_gateway(own_face, fuzzed, pieces):
    with log_in_at(own_face, fuzzed) as client:
        try:
            for piece in pieces:
                client.send(piece)
            client.socket.shutdown(socket.SHUT_WR)
        except OSError:
            # it had closed before we were done
            pass
        assert client.is_closed()
    assert is_alive(own_face.pid)
    assert own_face.log.read_text() == ""


def test_a_client_that_leaves_during_its_copy_leaves_nothing(own_face, redshift, local_s3, s3):
    own_face.set_environment(local_s3.environment)
    source = s3.put("t.csv", b"".join(b"%d,some text\n" % number for number in range(200_000)))
    redshift.execute("create table t (a int, b varchar(20))")
    before = descriptors(own_face)
    copy = f"copy t from '{source}' iam_role default csv"
    for messages in (protocol.query(copy), parse(copy) + bind() + execute() + SYNC):
        with log_in_at(own_face, redshift) as client:
            client.send(messages)
    assert wait_until(lambda: backends(redshift) == 0, 20)
    assert redshift.execute("select count(*) % 200000 from t") == [(0,)]
    # S3's client keeps a few connections open for the next time
    assert wait_until(lambda: descriptors(own_face) <= before + 12, 10)
    assert own_face.log.read_text() == ""


def test_a_lost_postgres_is_told_and_missed_no_longer_than_needed(warehouse_factory, own_face, redshift):
    with closing(redshift.psycopg(host=own_face.host, port=own_face.port)) as connection:
        pid = connection.info.backend_pid
        with warehouse_factory.server.connect() as admin:
            admin.execute("select pg_terminate_backend(%s)", [pid])
        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute("select 1")
    with closing(redshift.psycopg(host=own_face.host, port=own_face.port)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_it_listens_on_loopback_only(own_face):
    table = Path(f"/proc/{own_face.pid}/net/tcp").read_text().splitlines()[1:]
    port = f"{own_face.port:04X}"
    listening = [fields[1] for line in table if (fields := line.split())[3] == "0A" and fields[1].endswith(":" + port)]
    assert listening == [f"0100007F:{port}"]
    assert f":{port} " not in "".join(Path(f"/proc/{own_face.pid}/net/tcp6").read_text().splitlines(keepends=True)[1:])


def test_credentials_reach_no_log_and_no_list_of_statements(warehouse_factory, own_face, redshift, local_s3, s3):
    own_face.set_environment(local_s3.environment)
    secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
    source = s3.put("t.csv", b"1\n" * 10)
    given_keys = f"credentials 'aws_access_key_id=AKIDEXAMPLE;aws_secret_access_key={secret}'"
    statements = [
        f"copy t from '{source}' {given_keys} csv",
        f"copy t from '{source}x' access_key_id 'AKIDEXAMPLE' secret_access_key '{secret}' csv",
        f"unload ('select a from t') to '{s3.url}/out/' {given_keys}",
        f"unload ('select nonsense from t') to '{s3.url}/out/' {given_keys}",
        f"copy t frm '{source}' {given_keys} csv",
        f"copy t from '{source}' {given_keys} csv; select nonsense",
    ]
    seen: list[str] = []
    told: list[str] = []
    done = threading.Event()

    def watch() -> None:
        with warehouse_factory.server.connect() as admin:
            while not done.wait(0.001):
                seen.extend(query for (query,) in admin.execute("select query from pg_stat_activity") if query)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for prepare in (False, True):
            for statement in statements:
                with closing(redshift.psycopg(host=own_face.host, port=own_face.port)) as connection:
                    connection.execute("create table if not exists t (a int)")
                    told.append(outcome(connection, statement, prepare=prepare and "; select" not in statement))
    finally:
        done.set()
        watcher.join()
    assert sum(text == "" for text in told) >= 2
    assert secret not in " ".join(told)
    assert seen
    assert not [query for query in seen if secret in query]
    assert secret not in own_face.log.read_text()
    assert secret not in (warehouse_factory.server.folder / "postgres.log").read_text()
    assert secret not in " ".join(Path(f"/proc/{own_face.pid}/cmdline").read_text().split("\0"))


def outcome(connection: psycopg.Connection, statement: str, *, prepare: bool) -> str:
    """Nothing, or the error that the statement ends with."""
    try:
        connection.execute(statement, prepare=prepare)
    except psycopg.Error as error:
        return f"{error} {error.diag.message_detail} {error.diag.message_hint} {error.diag.context}"
    return ""


def test_the_gateway_ends_with_who_started_it(warehouse_factory: WarehouseFactory):
    server = warehouse_factory.server
    script = f"""
import sys, time
from standin.redshift.process import start
from standin.server import Server
print(start(Server({server.host!r}, {server.port}, {server.superuser_password!r})).pid, flush=True)
time.sleep(600)
"""
    starter = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pid = int(starter.stdout.readline())
    assert is_alive(pid)
    starter.kill()
    starter.communicate()
    assert wait_until(lambda: not is_alive(pid), 10)
