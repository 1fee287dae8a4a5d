"""The operator insists on what a real one would: identity, host keys, reading only, well-formed questions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest
import requests
import zeep
from operator_clients import PATHS, Environment, crm_client, get, read_crm, sftp_options
from operator_story import Story


@pytest.fixture
def environment(story: Story) -> Environment:
    return story.restarted.environment


def test_crm_windows_are_half_open(story: Story, environment: Environment) -> None:
    since = datetime(2026, 10, 20, tzinfo=UTC)
    windowed, _ = read_crm(environment, since)
    for batch, whole in zip(windowed, story.restarted.crm, strict=True):
        assert batch.rows == [row for row in whole.rows if row and row["last_update"] >= since]
        assert 0 < len(batch.rows) < len(whole.rows)
    moment = windowed[0].rows[0]["last_update"]
    from_there, _ = read_crm(environment, moment)
    assert from_there[0].rows[0]["last_update"] == moment


def test_a_page_token_pins_its_window(story: Story, environment: Environment) -> None:
    client = crm_client(environment)
    first = client.service.ListConsents(pageSize=10)
    # The token, not the parameters of the next call, decides.
    second = client.service.ListConsents(pageSize=10, pageToken=first.nextPageToken)
    assert second.asOf == first.asOf == story.restarted.as_of
    assert [c.consentId for c in second.consent] == [row["consent_id"] for row in story.restarted.crm[2].rows[10:20]]
    with pytest.raises(zeep.exceptions.Fault, match="belongs to ListConsents"):
        client.service.ListCustomers(pageToken=first.nextPageToken)
    with pytest.raises(zeep.exceptions.Fault, match="not given out here"):
        client.service.ListConsents(pageToken="nonsense")
    with pytest.raises(zeep.exceptions.Fault, match="1 to 500"):
        client.service.ListConsents(pageSize=100_000)


def test_crm_refuses_a_wrong_password(environment: Environment) -> None:
    with pytest.raises(zeep.exceptions.TransportError) as refused:
        crm_client(environment, password="wrong").service.ListCustomers()
    assert refused.value.status_code == 401


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<a", "not well-formed"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>', "document type"),
        (b"<a/>", "not a SOAP 1.1 envelope"),
        (
            b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x/></e:Body></e:Envelope>',
            "unknown",
        ),
    ],
)
def test_crm_refuses_odd_envelopes(environment: Environment, body: bytes, reason: str) -> None:
    session = requests.Session()
    session.trust_env = False
    answer = session.post(
        environment["SOURCES__CRM__WSDL_URL"].removesuffix("?wsdl"),
        data=body,
        auth=(environment["SOURCES__CRM__USERNAME"], environment["SOURCES__CRM__PASSWORD"]),
        timeout=10,
    )
    assert answer.status_code == 500
    assert reason in answer.text
    assert "<faultcode>" in answer.text


@pytest.mark.parametrize("path", list(PATHS.values()))
def test_catalogue_conditions(environment: Environment, path: str) -> None:
    page = get(environment, f"{path}?limit=5")
    assert len(page.json()) == 5
    unchanged = get(environment, f"{path}?offset=5&limit=5", {"If-None-Match": page.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert get(environment, path, {"If-None-Match": '"another"'}).status_code == 200
    assert get(environment, path, {"Authorization": "Bearer wrong"}).status_code == 401
    assert get(environment, f"{path}?limit=101").status_code == 400
    assert get(environment, f"{path}?offset=-1").status_code == 400


def test_sftp_verifies_and_refuses(environment: Environment, tmp_path: Path) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    port = environment["SOURCES__BILLING__PORT"]
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} {stranger}")

    async def connect(**changes: object) -> None:
        async with asyncssh.connect(**sftp_options(environment, **changes)):
            pass

    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        asyncio.run(connect(known_hosts=str(tmp_path / "known_hosts")))
    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(connect(password="wrong"))


def test_sftp_is_for_reading_below_its_root(environment: Environment) -> None:
    async def misbehave() -> None:
        async with (
            asyncssh.connect(**sftp_options(environment)) as connection,
            connection.start_sftp_client() as sftp,
        ):
            name = "/outgoing/bills/bills_20261031.csv.gz"
            for attempt in (
                sftp.open("/outgoing/new", "wb"),
                sftp.open(name, "ab"),
                sftp.remove(name),
                sftp.rename(name, "/outgoing/x"),
                sftp.posix_rename(name, "/outgoing/x"),
                sftp.mkdir("/outgoing/new"),
                sftp.rmdir("/outgoing/bills"),
                sftp.symlink("/etc", "/outgoing/etc"),
                sftp.link(name, "/outgoing/x"),
                sftp.utime(name, (0, 0)),
                sftp.truncate(name, 0),
                sftp.chmod(name, 0o777),
            ):
                with pytest.raises(asyncssh.SFTPPermissionDenied):
                    await attempt
            assert sorted(n for n in await sftp.listdir("/") if not str(n).startswith(".")) == ["outgoing"]
            assert not await sftp.exists("/../../etc/passwd")
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.create_session(asyncssh.SSHClientSession)
            with pytest.raises(asyncssh.Error):
                await connection.run("id", check=True)

    asyncio.run(misbehave())
