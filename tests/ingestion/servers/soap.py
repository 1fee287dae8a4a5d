"""A CRM that answers in SOAP what a test wants it to, described by the demo operator's WSDL."""

from contextlib import contextmanager
from pathlib import Path

from demo import operator
from ingestion.transports.soap import Soap, SoapOperation
from servers.reading import IMPATIENT, configure
from servers.web import Answer, Web

WSDL = Path(operator.__file__).with_name("crm.wsdl").read_text(encoding="utf-8")
PASSWORD = "open-sesame"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"


def envelope(records, as_of="2026-11-01T00:00:00Z", token=None, operation="ListCustomers"):
    """An answer with these records."""
    more = f"<crm:nextPageToken>{token}</crm:nextPageToken>" if token else ""
    return (
        f'<soap:Envelope xmlns:soap="{ENVELOPE}" xmlns:crm="urn:operator:crm:v1"><soap:Body><crm:{operation}Response>'
        f"<crm:asOf>{as_of}</crm:asOf>{more}{records}</crm:{operation}Response></soap:Body></soap:Envelope>"
    )


def answer_of(body, status=200):
    return Answer(body.encode(), status, {"Content-Type": "text/xml; charset=utf-8"})


@contextmanager
def crm(monkeypatch, answer, **settings):
    """The service as the source `crm`; `answer` is asked for every POST."""

    def respond(asked):
        if asked.method == "GET":
            return Answer(WSDL.replace("@ADDRESS@", f"{web.url}/crm").encode(), headers={"Content-Type": "text/xml"})
        return answer(asked)

    with Web(respond) as web:
        given = {"wsdl_url": f"{web.url}/crm?wsdl", "username": "majakka", "password": PASSWORD, **settings}
        configure(monkeypatch, "crm", **given)
        yield web


def soap(operation=None, **more):
    operation = operation or SoapOperation("ListCustomers", record="customer")
    return Soap("crm", {"customers": operation}, patience=IMPATIENT, **more)
