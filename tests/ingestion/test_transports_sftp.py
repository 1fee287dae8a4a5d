"""SFTP: files come whole or not at all, from the server that we know."""

import logging
import os
import threading
from datetime import UTC, datetime, timedelta

import pytest
from servers.cutting_proxy import CuttingProxy
from servers.reading import IMPATIENT, Reader, Whole, configure, dice
from servers.sftp import SftpFolder

from ingestion.delivery import Request
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.transports.sftp import Sftp, SftpFiles

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SECRET = "open sesame"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with SftpFolder(tmp_path_factory.mktemp("sftp"), SECRET) as server:
        yield server


@pytest.fixture
def outgoing(server, tmp_path, monkeypatch):
    """The server's folder, empty, and the source `invoices` that reads it."""
    for path in server.folder.iterdir():
        path.unlink()
    connect(monkeypatch, server, tmp_path, server.port)
    return server.folder


def connect(monkeypatch, server, tmp_path, port):
    (tmp_path / "known_hosts").write_text(server.known_hosts(port))
    configure(
        monkeypatch,
        "invoices",
        host="127.0.0.1",
        port=port,
        username="reader",
        password=SECRET,
        known_hosts=tmp_path / "known_hosts",
        folder="/",
    )


def sftp(pattern="bills_*.csv", **more):
    return Sftp("invoices", {"bills": SftpFiles(pattern, Whole())}, patience=IMPATIENT, **more)


def put(folder, name, content, at=NOW):
    (folder / name).write_bytes(content)
    os.utime(folder / name, (at.timestamp(), at.timestamp()))


def test_new_and_changed_files_come_oldest_first(outgoing, tmp_path):
    put(outgoing, "bills_b.csv", b"first", NOW - timedelta(days=2))
    put(outgoing, "bills_a.csv", b"second", NOW - timedelta(days=1))
    put(outgoing, "other.csv", b"not ours")
    reader = Reader(tmp_path)
    assert list(reader.contents(sftp()).items()) == [
        ("sftp:/bills_b.csv", b"first"),
        ("sftp:/bills_a.csv", b"second"),
    ]
    assert reader.contents(sftp()) == {}
    put(outgoing, "bills_a.csv", b"SECOND", NOW)
    assert reader.contents(sftp()) == {"sftp:/bills_a.csv": b"SECOND"}
    assert sorted(path.name for path in outgoing.iterdir()) == ["bills_a.csv", "bills_b.csv", "other.csv"]


def test_a_link_to_a_file_is_the_file_and_nothing_else_is(outgoing, tmp_path):
    put(outgoing, "real.csv", b"1")
    (outgoing / "bills_link.csv").symlink_to("real.csv")
    (outgoing / "bills_nowhere.csv").symlink_to("missing.csv")
    (outgoing / "bills_folder.csv").mkdir()
    try:
        assert Reader(tmp_path).contents(sftp()) == {"sftp:/bills_link.csv": b"1"}
    finally:
        (outgoing / "bills_folder.csv").rmdir()


@pytest.mark.parametrize("name", ["bills_1.csv.tmp", "bills_1.csv.part", ".bills_1.csv", "bills_1.csv.filepart"])
def test_a_file_whose_name_says_that_it_is_being_written_is_left_alone(outgoing, tmp_path, name):
    put(outgoing, name, b"half")
    assert Reader(tmp_path).contents(sftp("*")) == {}


def test_a_file_that_changes_while_it_is_fetched_is_left_for_the_next_run(server, outgoing, tmp_path, monkeypatch):
    """It grows between the listing and the fetching, as one that is still being uploaded does."""
    for number in range(8):
        put(outgoing, f"bills_{number}.csv", b"whole", NOW + timedelta(seconds=number))
    reader = Reader(tmp_path)
    transport = sftp()
    deliveries = transport.deliveries(reader.ledger, tmp_path, reader.said.append)
    next(deliveries)
    put(outgoing, "bills_7.csv", b"whole and more", NOW + timedelta(minutes=1))
    assert [delivery.uri for delivery in deliveries] == [f"sftp:/bills_{number}.csv" for number in range(1, 7)]
    assert reader.said[-1] == "sftp:/bills_7.csv has changed since it was listed; it is left for the next run"


def test_files_that_are_not_quiet_yet_are_left_for_a_later_run(outgoing, tmp_path):
    put(outgoing, "bills_old.csv", b"old", datetime.now(UTC) - timedelta(hours=1))
    put(outgoing, "bills_new.csv", b"new", datetime.now(UTC))
    assert list(Reader(tmp_path).contents(sftp(quiet_seconds=600))) == ["sftp:/bills_old.csv"]


def test_a_window_and_a_repetition_hand_over_what_has_landed(outgoing, tmp_path):
    for day in range(1, 6):
        put(outgoing, f"bills_{day}.csv", str(day).encode(), datetime(2026, 10, day, tzinfo=UTC))
    reader = Reader(tmp_path)
    assert len(reader.contents(sftp())) == 5
    window = Request(since=datetime(2026, 10, 2, tzinfo=UTC), until=datetime(2026, 10, 4, tzinfo=UTC))
    assert list(reader.contents(sftp(), window).values()) == [b"2", b"3"]
    assert len(reader.contents(sftp(), Request(full=True))) == 5
    assert list(reader.contents(sftp(), Request(full=True, most=2)).values()) == [b"1", b"2"]


def test_a_file_that_we_may_not_read_is_set_aside_and_the_others_come(server, outgoing, tmp_path):
    put(outgoing, "bills_1.csv", b"1")
    put(outgoing, "bills_2.csv", b"2", NOW + timedelta(days=1))
    server.forbidden = "bills_1.csv"
    try:
        reader = Reader(tmp_path)
        assert reader.contents(sftp()) == {"sftp:/bills_2.csv": b"2"}
    finally:
        server.forbidden = None
    assert "sftp:/bills_1.csv cannot be read: " in str(reader.set_aside["sftp:/bills_1.csv"])
    assert reader.contents(sftp()) == {"sftp:/bills_1.csv": b"1"}


def test_a_run_that_ends_early_leaves_no_fetching_behind(outgoing, tmp_path):
    for number in range(12):
        put(outgoing, f"bills_{number:02}.csv", bytes(500_000))
    reader = Reader(tmp_path)
    assert len(reader.contents(sftp(), stop_after=2)) == 2
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith(("fetch", "invoices"))]
    assert len(reader.contents(sftp())) == 10


def test_a_connection_cut_anywhere_is_made_again_and_the_file_is_whole(server, outgoing, tmp_path, monkeypatch):
    """Cuts spread over log-in and transfer: each is survived, and no byte is missing or there twice."""
    thrown = dice(7)
    content = thrown.randbytes(1_200_000)
    put(outgoing, "bills_1.csv", content)
    put(outgoing, "bills_2.csv", content[::-1])
    broken = 0
    for cut in [
        *(thrown.randrange(1, 4_000) for _ in range(6)),
        *(thrown.randrange(4_000, 2_400_000) for _ in range(10)),
    ]:
        with CuttingProxy(server.port, [cut, thrown.randrange(5_000, 1_000_000)]) as proxy:
            connect(monkeypatch, server, tmp_path, proxy.port)
            reader = Reader(tmp_path)
            found = reader.contents(sftp())
            assert found == {"sftp:/bills_1.csv": content, "sftp:/bills_2.csv": content[::-1]}
            broken += proxy.broken
    assert broken >= 20


def test_a_server_that_breaks_every_connection_is_unavailable_and_nothing_is_handed_over(
    server, outgoing, tmp_path, monkeypatch
):
    put(outgoing, "bills_1.csv", bytes(300_000))
    with CuttingProxy(server.port, [200_000] * 20) as proxy:
        connect(monkeypatch, server, tmp_path, proxy.port)
        reader = Reader(tmp_path)
        with pytest.raises(SourceUnavailableError, match=r"bills_1\.csv cannot be fetched: .* \(6 attempts\)"):
            reader.contents(sftp())
    assert reader.ledger.landed == {}


def test_a_file_resumes_where_it_broke_off(server, outgoing, tmp_path, monkeypatch):
    """Six connections of which none carries the whole file carry it together."""
    content = dice(1).randbytes(5 << 20)
    put(outgoing, "bills_1.csv", content)
    with CuttingProxy(server.port, [5 << 19] * 5) as proxy:
        connect(monkeypatch, server, tmp_path, proxy.port)
        assert Reader(tmp_path).contents(sftp()) == {"sftp:/bills_1.csv": content}
        assert proxy.broken >= 2


def test_a_private_key_lets_us_in_with_its_passphrase(server, outgoing, tmp_path, monkeypatch):
    put(outgoing, "bills_1.csv", b"1")
    key = tmp_path / "key"
    key.write_bytes(server.client_key.export_private_key("pkcs8-pem", "the passphrase"))
    monkeypatch.delenv("SOURCES__INVOICES__PASSWORD")
    configure(monkeypatch, "invoices", private_key=key, private_key_passphrase="the passphrase")
    assert Reader(tmp_path).contents(sftp()) == {"sftp:/bills_1.csv": b"1"}
    configure(monkeypatch, "invoices", private_key_passphrase="guessed wrong")
    with pytest.raises(IngestError, match=r"private key .* cannot be read") as told:
        Reader(tmp_path).contents(sftp())
    assert "guessed" not in str(told.value)


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("password", "guessed wrong", "refuses the user name or password"),
        ("username", "nobody", "refuses the user name or password"),
        ("port", "1", "cannot be listed: .*Connect"),
        ("folder", "/missing", "has no folder /missing"),
        ("known_hosts", "/nowhere/known_hosts", "there is no file /nowhere/known_hosts"),
    ],
)
def test_what_is_set_wrong_is_told_without_the_secret(outgoing, tmp_path, monkeypatch, caplog, setting, value, told):
    caplog.set_level(logging.DEBUG)
    configure(monkeypatch, "invoices", **{setting: value})
    for attempt in (Reader(tmp_path).contents, lambda transport: transport.check()):
        with pytest.raises(IngestError, match=told) as raised:
            attempt(sftp("bills/*.csv"))
        for text in (str(raised.value), str(raised.value.__cause__), caplog.text):
            assert SECRET not in text
            assert "guessed" not in text


def test_another_host_key_is_not_trusted(outgoing, tmp_path, server, monkeypatch):
    with SftpFolder(tmp_path, SECRET) as other:
        (tmp_path / "known_hosts").write_text(other.known_hosts(server.port))
        with pytest.raises(SourceUnavailableError, match="host key is not the one in known_hosts"):
            sftp().check()


def test_check_tells_what_is_there(outgoing):
    put(outgoing, "bills_1.csv", b"1")
    assert sftp().check() == [
        "the SFTP server has the known host key and lets reader in",
        "bills: 1 files are bills_*.csv",
    ]
