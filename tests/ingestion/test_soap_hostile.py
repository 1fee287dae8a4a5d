"""XML is how a reader is attacked: what a SOAP service answers is read without entities and DTDs, and within limits."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from servers.reading import Reader, configure
from servers.soap import WSDL, answer_of, crm, envelope, soap
from servers.web import Answer, Web
from small_operator import target_of

from ingestion import status
from ingestion.errors import IngestError
from ingestion.run import run
from ingestion.transports import soap_answer
from ingestion.transports.http_session import Limits

BARE = '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" name="&x;"/>'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
IMPORT = '<xsd:schema targetNamespace="urn:operator:crm:v1" elementFormDefault="qualified">'


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path)


def importing(location):
    return WSDL.replace(IMPORT, f'{IMPORT}<xsd:import namespace="urn:x" schemaLocation="{location}"/>')


WSDLS = {
    "external entity": '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + BARE,
    "a billion laughs": f'<!DOCTYPE d [<!ENTITY l0 "ha">{LAUGHS}<!ENTITY x "&l9;">]>' + BARE,
    "external DTD": '<!DOCTYPE d SYSTEM "http://127.0.0.1:1/evil.dtd">' + BARE.replace("&x;", ""),
    "cut short": BARE[:40],
    "HTML": "<html><body>Please log in</body></html>",
    "empty": "",
    "reads our files": importing("file:///etc/passwd"),
    "reads our files by path": importing("/etc/passwd"),
    "sends us elsewhere": importing("http://127.0.0.1:1/x.xsd"),
}


@pytest.mark.parametrize("attack", WSDLS)
def test_a_wsdl_that_attacks_or_is_none_lands_nothing(reader, monkeypatch, attack):
    with Web(lambda _: Answer(WSDLS[attack].encode())) as web:
        configure(monkeypatch, "crm", wsdl_url=f"{web.url}/crm.wsdl", username="crm", password="open sesame")
        with pytest.raises(IngestError, match=r"^crm: ") as told:
            reader.run(soap())
    assert "root:" not in str(told.value)
    assert "sesame" not in str(told.value)


def test_an_attack_leaves_no_trace_in_the_warehouse(warehouse, tmp_path, monkeypatch):
    (tmp_path / "crm.wsdl").write_text(WSDLS["external entity"])
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/crm.wsdl"
    configure(monkeypatch, "crm", wsdl_url=url, username="crm", password="open sesame")
    try:
        with pytest.raises(IngestError, match=r"^crm: "):
            run("crm", target_of(warehouse))
    finally:
        server.shutdown()
        server.server_close()
    with target_of(warehouse).connect() as connection:
        assert status.resources(connection) == []


RECORD = "<crm:customer><crm:customerId>C1</crm:customerId></crm:customer>"
WHOLE = envelope(RECORD)
ANSWERS = {
    "external entity": (
        '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + WHOLE.replace("C1", "&x;"),
        "document type",
    ),
    "a billion laughs": (f'<!DOCTYPE d [<!ENTITY l0 "ha">{LAUGHS}]>' + WHOLE.replace("C1", "&l9;"), "document type"),
    "laughs in an attribute": (
        f'<!DOCTYPE d [<!ENTITY l0 "ha">{LAUGHS}]>' + WHOLE.replace("<crm:customer>", '<crm:customer a="&l9;">'),
        "",
    ),
    "external DTD": ('<!DOCTYPE d SYSTEM "http://127.0.0.1:1/evil.dtd">' + WHOLE, "document type"),
    "an entity that nobody declared": (WHOLE.replace("C1", "&x;"), "not XML, or not whole"),
    "cut short": (WHOLE[:-20], "not XML, or not whole"),
    "HTML": ("<html><body>Please log in</body></html>", "not a SOAP envelope"),
    "JSON": ('{"customers": []}', "not XML, or not whole"),
    "empty": ("", "not XML, or not whole"),
    "nested 100,000 deep": (WHOLE.replace("C1", "<a>" * 100_000), "not XML, or not whole"),
    "two documents": (WHOLE + WHOLE, "not XML, or not whole"),
    "no asOf": (WHOLE.replace("asOf", "asof"), "without asOf"),
    "a field that is no column": (WHOLE.replace("crm:customerId", f"crm:{'x' * 80}"), "cannot be a column"),
    "NUL": (WHOLE.replace("C1", "\0"), "not XML, or not whole"),
    "pages without end": (envelope(RECORD, token="again"), "go round in a circle"),
}


@pytest.mark.parametrize("attack", ANSWERS)
def test_an_answer_that_attacks_or_is_none_lands_nothing(reader, monkeypatch, attack):
    body, told = ANSWERS[attack]
    with crm(monkeypatch, lambda _: answer_of(body)), pytest.raises(IngestError, match=f"^crm: .*{told}") as raised:
        reader.run(soap())
    assert "root:" not in str(raised.value)
    assert reader.ledger.landed == {}


def test_an_answer_that_is_too_large_is_not_read_to_its_end(reader, monkeypatch):
    body = envelope(RECORD * 20_000)
    with crm(monkeypatch, lambda _: answer_of(body)), pytest.raises(IngestError, match="more than 1,000,000 bytes"):
        reader.run(soap(limits=Limits(answer_bytes=1_000_000)))


def test_an_answer_without_records_is_not_read_on(reader, monkeypatch):
    """Elements that nobody asked for are no way to fill our memory."""
    monkeypatch.setattr(soap_answer, "LONGEST_SILENCE", 1 << 20)
    body = envelope("<crm:filler>nothing</crm:filler>" * 100_000)
    with crm(monkeypatch, lambda _: answer_of(body)), pytest.raises(IngestError, match="bytes without a record"):
        reader.run(soap())
