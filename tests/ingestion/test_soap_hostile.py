"""XML is how a reader is attacked: what a SOAP service answers is read without entities and DTDs."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from small_operator import target_of

from ingestion import status
from ingestion.errors import IngestError
from ingestion.run import run

WSDL = '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" name="&x;"/>'
ATTACKS = {
    "external entity": '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + WSDL,
    "a billion laughs": '<!DOCTYPE d [<!ENTITY y "ha"><!ENTITY x "&y;&y;&y;&y;&y;&y;&y;&y;&y;">]>' + WSDL,
    "external DTD": '<!DOCTYPE d SYSTEM "http://127.0.0.1:1/evil.dtd">' + WSDL.replace("&x;", ""),
    "cut short": WSDL[:40],
    "HTML": "<html><body>Please log in</body></html>",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_answer_that_attacks_or_is_no_wsdl_lands_nothing(warehouse, tmp_path, monkeypatch, attack):
    (tmp_path / "crm.wsdl").write_text(ATTACKS[attack])
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for key, value in {
        "WSDL_URL": f"http://127.0.0.1:{server.server_port}/crm.wsdl",
        "USERNAME": "crm",
        "PASSWORD": "open sesame",
    }.items():
        monkeypatch.setenv(f"SOURCES__CRM__{key}", value)
    try:
        with pytest.raises(IngestError, match=r"^crm: ") as told:
            run("crm", target_of(warehouse))
    finally:
        server.shutdown()
        server.server_close()
    assert "root:" not in str(told.value)
    assert "sesame" not in str(told.value)
    with target_of(warehouse).connect() as connection:
        assert status.resources(connection) == []
