"""HTTP: every page of every kind of paging, patience with what passes, and no secret told to anybody."""

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from servers.cutting_proxy import CuttingProxy
from servers.reading import IMPATIENT, Reader, Whole, configure, dice
from servers.web import Answer, Web

from ingestion.delivery import Request
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.formats.json import Json, same_names
from ingestion.transports.changes import Changes
from ingestion.transports.http_api import Endpoint, HttpApi
from ingestion.transports.http_auth import ApiKey, Basic, Bearer, NoAuth, OAuth2
from ingestion.transports.http_files import HttpFile, HttpFiles
from ingestion.transports.http_session import Limits
from ingestion.transports.paging import Cursor, JsonLink, LinkHeader, Offsets, OnePage, PageNumbers
from ingestion.transports.tmf import collection

ALL = [{"id": str(number)} for number in range(25)]
ROW = Json(columns=same_names("id"))


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path)


@pytest.fixture
def serve(monkeypatch):
    """Serves answers as the source `shop`."""
    running = []

    def start(answer, **settings):
        web = Web(answer).__enter__()
        running.append(web)
        configure(monkeypatch, "shop", base_url=web.url, **settings)
        return web

    yield start
    for web in running:
        web.__exit__()


def as_json(value, status=200, **headers):
    return Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json", **headers})


def api(endpoint=None, **more):
    return HttpApi("shop", {"things": endpoint or Endpoint("/things", ROW)}, patience=IMPATIENT, **more)


def ids(landed):
    return [value for table in landed.values() for value in table["id"].to_pylist()]


# pages


def by_offset(asked, most=10):
    start = int(asked.query.get("offset", 0))
    page = ALL[start : start + min(int(asked.query.get("limit", 10)), most)]
    return as_json({"items": page, "total": len(ALL)}, **{"X-Total-Count": str(len(ALL))})


def by_number(asked):
    start = (int(asked.query["page"]) - 1) * 10
    return as_json({"items": ALL[start : start + 10], "pages": 3})


def by_cursor(asked):
    start = int(asked.query.get("cursor", 0))
    following = str(start + 10) if start + 10 < len(ALL) else None
    return as_json({"items": ALL[start : start + 10], "next_cursor": following})


def by_link(asked):
    start = int(asked.query.get("from", 0))
    link = {"Link": f'</things?from={start + 10}>; rel="next"'} if start + 10 < len(ALL) else {}
    following = f"/things?from={start + 10}" if link else None
    return as_json({"items": ALL[start : start + 10], "next": following}, **link)


@pytest.mark.parametrize(
    ("answer", "paging"),
    [
        (by_offset, Offsets(limit=10, total_path="total")),
        (by_offset, Offsets(limit=10, total_header="X-Total-Count")),
        (by_offset, Offsets(limit=10)),
        # the server gives fewer than it is asked for: nothing may be stepped over
        (by_offset, Offsets(limit=500, total_path="total")),
        (by_offset, Offsets(limit=500)),
        (by_number, PageNumbers(pages_path="pages")),
        (by_number, PageNumbers()),
        (by_cursor, Cursor()),
        (by_link, LinkHeader()),
        (by_link, JsonLink()),
        (lambda _: as_json({"items": ALL}), OnePage()),
    ],
)
def test_every_page_comes_once(serve, reader, answer, paging):
    serve(answer)
    found = reader.run(api(Endpoint("/things", ROW, records="items", paging=paging)))
    assert ids(found) == [one["id"] for one in ALL]
    assert list(found) == ["http:/things"]


COUNTED = Offsets(total_path="total")


@pytest.mark.parametrize(
    ("answer", "paging", "told"),
    [
        (lambda _: as_json({"things": ALL}), OnePage(), "without a list of records at 'items'"),
        (lambda _: as_json({"items": {"id": 1}}), OnePage(), "without a list of records"),
        (lambda _: Answer(b"<html>please log in</html>"), OnePage(), "is not JSON"),
        (lambda _: Answer(b'{"items": [{"id": NaN}]}'), OnePage(), "is not JSON"),
        (lambda _: Answer(b"[" * 100_000), OnePage(), "is not JSON"),
        (lambda _: as_json({"items": ALL[:1], "next": "/things"}), JsonLink(), "go round in a circle"),
        (lambda _: as_json({"items": ALL[:1], "next_cursor": "x"}), Cursor(), "go round in a circle"),
        (lambda asked: as_json({"items": ALL[: int(asked.query["offset"]) == 0], "total": 2}), COUNTED, "and gave 1"),
        (lambda _: as_json({"items": ALL, "total": 2}), COUNTED, "announced 2 records and gave 25"),
        (lambda _: as_json({"items": ALL}), COUNTED, "does not tell how many records"),
        (lambda _: as_json({"items": ALL}), PageNumbers(pages_path="pages"), "does not tell how its pages go on"),
        (lambda _: as_json({"items": ALL, "next": "http://127.0.0.1:1/"}), JsonLink(), "another server than"),
        (lambda _: Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}), OnePage(), "another server than"),
        (lambda _: Answer(b" " * 3_000_000), OnePage(), "more than 1,000,000 bytes"),
    ],
)
def test_an_answer_that_is_not_what_was_described_lands_nothing(serve, reader, answer, paging, told):
    serve(answer, token="open sesame")
    endpoint = Endpoint("/things", ROW, records="items", paging=paging)
    reader.run(api(endpoint, auth=Bearer(), limits=Limits(answer_bytes=1_000_000)))
    assert reader.ledger.landed == {}
    assert re.search(told, str(reader.set_aside["http:/things"]))


def test_a_collection_that_cannot_be_read_does_not_keep_the_others_back(serve, reader):
    """But none that comes after it, where a cursor would step over what is missing."""
    serve(lambda asked: as_json(ALL if asked.path == "/good" else {"no": "list"}))
    bad, good = Endpoint("/bad", ROW), Endpoint("/good", ROW)
    transport = HttpApi("shop", {"bad": bad, "good": good}, patience=IMPATIENT)
    assert list(reader.run(transport)) == ["http:/good"]
    assert list(reader.set_aside) == ["http:/bad"]
    changing = Endpoint("/bad", ROW, changes=Changes("since", until="until"))
    with pytest.raises(IngestError, match="without a list of records"):
        reader.run(HttpApi("shop", {"bad": changing, "good": good}, patience=IMPATIENT), Request(full=True))


# versions


def test_a_collection_comes_again_when_its_etag_changes(serve, reader):
    state = {"etag": '"1"'}

    def answer(asked):
        if asked.headers.get("if-none-match") == state["etag"]:
            return Answer(status=304, headers={"ETag": state["etag"]})
        return as_json(ALL, ETag=state["etag"])

    web = serve(answer)
    assert len(ids(reader.run(api()))) == 25
    assert reader.run(api()) == {}
    assert web.asked[-1].headers["if-none-match"] == '"1"'
    state["etag"] = '"2"'
    assert len(ids(reader.run(api()))) == 25
    assert len(ids(reader.run(api(), Request(full=True)))) == 25
    assert "if-none-match" not in web.asked[-1].headers


def test_a_collection_comes_again_when_its_time_of_modification_changes(serve, reader):
    at = "Sun, 01 Nov 2026 12:00:00 GMT"

    def answer(asked):
        if asked.headers.get("if-modified-since") == at:
            return Answer(status=304)
        return as_json(ALL, **{"Last-Modified": at})

    serve(answer)
    assert len(ids(reader.run(api()))) == 25
    assert reader.run(api()) == {}


def test_a_collection_without_a_version_is_known_by_its_content(serve, reader):
    """Also one whose pages each have an ETag: the first page's says nothing about the others."""
    state = {"last": {"id": "x"}}

    def answer(asked):
        start = int(asked.query["offset"])
        return as_json([*ALL, state["last"]][start : start + 10], ETag=f'"{start}"')

    serve(answer)
    endpoint = Endpoint("/things", ROW, paging=Offsets(limit=10))
    assert len(ids(reader.run(api(endpoint)))) == 26
    assert reader.run(api(endpoint)) == {}
    state["last"] = {"id": "y"}
    assert ids(reader.run(api(endpoint)))[-1] == "y"


def test_a_tmf_collection_that_changes_between_two_pages_lands_nothing(serve, reader):
    def answer(asked):
        start = int(asked.query["offset"])
        return as_json(ALL[start : start + 10], ETag=f'"{min(start, 1)}"', **{"X-Total-Count": "25"})

    serve(answer)
    with pytest.raises(SourceUnavailableError, match="changed while it was read"):
        reader.run(api(collection("/things", ROW)))
    assert reader.ledger.landed == {}


# changes

CHANGED = Json(columns=same_names("id", "changed"))
LOG = [{"id": str(n), "changed": f"2026-11-01T00:00:0{n // 2}Z"} for n in range(10)]


def changes_of(log):
    """An API that gives what changed at a time or later, and before another if it is told one."""

    def answer(asked):
        since, until = asked.query.get("since", ""), asked.query.get("until", "~")
        return as_json([one for one in log if since <= one["changed"] < until])

    return answer


def test_changes_go_on_where_the_last_run_ended(serve, reader):
    """Also within one moment: what landed of it is not landed again, what came later in it is."""
    log = LOG[:5]
    web = serve(changes_of(log))
    endpoint = Endpoint("/things", CHANGED, changes=Changes("since", field="changed", start="2026-01-01"))
    assert ids(reader.run(api(endpoint))) == ["0", "1", "2", "3", "4"]
    assert web.asked[-1].query == {"since": "2026-01-01"}
    assert ids(reader.run(api(endpoint))) == []
    log.append(LOG[5])
    assert ids(reader.run(api(endpoint))) == ["5"]
    assert web.asked[-1].query == {"since": "2026-11-01T00:00:02Z"}
    log += LOG[6:]
    assert ids(reader.run(api(endpoint))) == ["6", "7", "8", "9"]
    assert ids(reader.run(api(endpoint))) == []


def test_windows_by_our_clock_meet(serve, reader):
    web = serve(changes_of(LOG))
    endpoint = Endpoint("/things", CHANGED, changes=Changes("since", until="until"))
    before = datetime.now(UTC)
    assert len(ids(reader.run(api(endpoint)))) == 10
    reader.run(api(endpoint))
    first, second = (asked.query for asked in web.asked)
    assert "since" not in first
    assert first["until"] == second["since"] < second["until"]
    end = datetime.fromisoformat(first["until"])
    assert before - timedelta(seconds=61) <= end <= datetime.now(UTC) - timedelta(seconds=59)


@pytest.mark.parametrize("changes", [Changes("since", field="changed"), Changes("since", until="until")])
def test_a_backfill_takes_its_window_and_leaves_the_cursor(serve, reader, changes):
    serve(changes_of(LOG))
    endpoint = Endpoint("/things", CHANGED, changes=changes)
    reader.run(api(endpoint))
    cursors = dict(reader.ledger.cursors)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    window = Request(since=at + timedelta(seconds=1), until=at + timedelta(seconds=3))
    found = reader.run(api(endpoint), window)
    assert ids(found) == ["2", "3", "4", "5"]
    assert list(found) == ["http:/things?since=2026-11-01T00:00:01Z&until=2026-11-01T00:00:03Z"]
    assert reader.ledger.cursors == cursors


def test_what_has_no_past_says_so(serve, reader):
    serve(lambda _: as_json(ALL))
    reader.run(api(), Request(since=datetime(2026, 1, 1, tzinfo=UTC)))
    assert "read whole and has no past" in str(reader.set_aside["http:/things"])
    with pytest.raises(ValueError, match="`until`, or the `field`"):
        Changes("since")


# patience


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_waited_for(serve, reader, status):
    answers = iter([Answer(status=status), Answer(status=status), as_json(ALL)])
    web = serve(lambda _: next(answers))
    assert len(ids(reader.run(api()))) == 25
    assert len(web.asked) == 3


def in_a_second():
    # a date has no fractions: in a second is between one and two
    return format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)


@pytest.mark.parametrize("after", [lambda: "0", in_a_second], ids=["seconds", "a date"])
def test_a_rate_limit_is_kept_and_the_rest_comes(serve, reader, after):
    answers = iter([Answer(status=429, headers={"Retry-After": after()}), as_json(ALL)])
    serve(lambda _: next(answers))
    patient = HttpApi("shop", {"things": Endpoint("/things", ROW)})
    assert len(ids(reader.run(patient))) == 25


def in_an_hour():
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize("after", [lambda: "3600", in_an_hour], ids=["seconds", "a date"])
def test_a_server_that_wants_to_be_left_alone_for_long_is(serve, reader, after):
    web = serve(lambda _: Answer(status=503, headers={"Retry-After": after()}))
    with pytest.raises(SourceUnavailableError, match=r"HTTP 503 and wants to be left alone for 3,[56]\d\d s"):
        reader.run(api())
    assert len(web.asked) == 1


def test_a_server_that_never_recovers_is_unavailable(serve, reader):
    web = serve(lambda _: Answer(status=503))
    with pytest.raises(SourceUnavailableError, match=r"/things answered HTTP 503 \(6 attempts\)"):
        reader.run(api())
    assert len(web.asked) == IMPATIENT.attempts


def test_pages_cut_anywhere_come_whole(serve, reader, monkeypatch):
    thrown = dice(5)
    long = [{"id": "x" * 2_000 + str(number)} for number in range(40)]

    def answer(asked):
        start = int(asked.query["offset"])
        return as_json(long[start : start + 5])

    web = serve(answer)
    with CuttingProxy(web.port, [thrown.randrange(1, 12_000) for _ in range(20)]) as proxy:
        configure(monkeypatch, "shop", base_url=f"http://127.0.0.1:{proxy.port}")
        endpoint = Endpoint("/things", ROW, paging=Offsets(limit=5))
        patient = HttpApi("shop", {"things": endpoint}, patience=PERSISTENT)
        assert ids(reader.run(patient)) == [one["id"] for one in long]
        assert proxy.broken >= 15


PERSISTENT = type(IMPATIENT)(attempts=30, pause=0.001, longest_pause=0.01)


# who we are


@pytest.mark.parametrize(
    ("auth", "settings", "header", "value"),
    [
        (Bearer(), {"token": "open sesame"}, "authorization", "Bearer open sesame"),
        (Basic(), {"username": "u", "password": "open sesame"}, "authorization", "Basic dTpvcGVuIHNlc2FtZQ=="),
        (ApiKey("X-Key"), {"api_key": "open sesame"}, "x-key", "open sesame"),
        (NoAuth(), {}, "authorization", None),
    ],
)
def test_we_say_who_we_are(serve, reader, auth, settings, header, value):
    web = serve(lambda _: as_json(ALL), **settings)
    reader.run(api(auth=auth))
    assert web.asked[0].headers.get(header) == value


def test_a_token_is_asked_for_and_renewed_when_it_runs_out_or_is_refused(serve, reader, monkeypatch):
    tokens = iter(range(1, 100))
    state = {"valid": None, "lasts": 3600}

    def answer(asked):
        if asked.path == "/token":
            state["valid"] = f"t{next(tokens)}"
            return as_json({"access_token": state["valid"], "expires_in": state["lasts"]})
        if asked.headers.get("authorization") != f"Bearer {state['valid']}":
            return Answer(status=401)
        return by_offset(asked)

    web = serve(answer, client_id="majakka", client_secret="open sesame", scope="read")
    endpoint = Endpoint("/things", ROW, records="items", paging=Offsets(limit=5))

    def run():
        del web.asked[:]
        found = ids(reader.run(api(endpoint, auth=OAuth2({"audience": "things"})), Request(full=True)))
        assert found == [one["id"] for one in ALL]
        return [asked for asked in web.asked if asked.path == "/token"]

    configure(monkeypatch, "shop", token_url=f"{web.url}/token")
    (question,) = run()
    assert question.body == (
        b"client_id=majakka&client_secret=open+sesame&grant_type=client_credentials&scope=read&audience=things"
    )
    state["lasts"] = 0
    assert len(run()) > 3, "one that has run out is asked for anew before each page"
    state["lasts"] = 3600
    revoked = iter([False, False, True, False, False, False, False, False, False])
    plain = answer

    def revoking(asked):
        if asked.path != "/token" and next(revoked):
            state["valid"] = "somebody revoked it"
        return plain(asked)

    web.answer = revoking
    assert len(run()) == 2


AUTHS = {
    "token": (Bearer(), {"token": "open-sesame"}),
    "basic": (Basic(), {"username": "majakka", "password": "open-sesame"}),
    "key": (ApiKey(), {"api_key": "open-sesame"}),
    "key in the query": (ApiKey("key", "query"), {"api_key": "open-sesame"}),
    "oauth": (OAuth2(patience=IMPATIENT), {"client_id": "majakka", "client_secret": "open-sesame"}),
}


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("failure", ["refused", "unreachable", "broken off"])
def test_a_failure_does_not_tell_the_secret(serve, reader, monkeypatch, caplog, auth, failure):
    caplog.set_level(logging.INFO)
    how, settings = AUTHS[auth]
    web = serve(
        lambda _: Answer(b"half", 401 if failure == "refused" else 200, {"Content-Length": "9", "Connection": "close"}),
        **settings,
    )
    url = "http://127.0.0.1:1" if failure == "unreachable" else web.url
    configure(monkeypatch, "shop", base_url=url, token_url=f"{url}/token")
    if failure == "refused":
        web.answer = lambda _: Answer(b"open-sesame is wrong", 401)
    attempts = [reader.run]
    if failure != "broken off" or auth == "oauth":
        # a check reads no body, so it does not notice that one breaks off
        attempts.append(lambda transport: transport.check())
    for attempt in attempts:
        with pytest.raises(SourceUnavailableError) as told:
            attempt(api(auth=how))
        texts = [caplog.text]
        error = told.value
        while error:
            texts.append(str(error))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        assert not any("sesame" in text for text in texts)
        if failure == "refused":
            assert f"see sources.shop.{how.blamed}" in str(told.value)


def test_check_moves_no_data(serve):
    web = serve(lambda _: as_json(ALL), token="open sesame")
    assert api(auth=Bearer()).check() == [f"things: {web.url}/things answers"]


# files


def files(path="/export.csv", **more):
    return HttpFiles("shop", {"things": HttpFile(path, Whole(), **more)}, patience=PERSISTENT)


def ranged(content, **headers):
    """A server of one file that can go on from the middle of it."""

    def answer(asked):
        if asked.headers.get("if-none-match") == headers.get("ETag", "none"):
            return Answer(status=304)
        start = asked.headers.get("range", "").removeprefix("bytes=").removesuffix("-")
        if start and asked.headers.get("if-range") == headers.get("ETag"):
            end = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return Answer(content[int(start) :], 206, {**headers, "Content-Range": end})
        return Answer(content, headers=headers)

    return answer


@pytest.mark.parametrize("headers", [{"ETag": '"1, a"'}, {}], ids=["goes on", "begins again"])
def test_a_file_cut_anywhere_comes_whole(serve, reader, monkeypatch, headers):
    thrown = dice(11)
    content = thrown.randbytes(2_000_000)
    web = serve(ranged(content, **headers))
    with CuttingProxy(web.port, [thrown.randrange(1, 1_500_000) for _ in range(12)]) as proxy:
        configure(monkeypatch, "shop", base_url=f"http://127.0.0.1:{proxy.port}")
        assert reader.contents(files()) == {"http:/export.csv": content}
        assert proxy.broken >= 3
    assert any("range" in asked.headers for asked in web.asked) is bool(headers)
    assert reader.contents(files()) == {}


def test_a_file_that_changes_while_it_is_gone_on_with_begins_again(serve, reader, monkeypatch):
    old, new = b"o" * 1_500_000, b"n" * 1_600_000
    answers = [ranged(old, ETag='"1"'), ranged(new, ETag='"2"')]
    one_after_the_other = iter(answers)

    def answer(asked):
        return next(one_after_the_other)(asked)

    web = serve(answer)
    with CuttingProxy(web.port, [1_200_000]) as proxy:
        configure(monkeypatch, "shop", base_url=f"http://127.0.0.1:{proxy.port}")
        assert reader.contents(files()) == {"http:/export.csv": new}
    assert reader.ledger.identity("things", "http:/export.csv") == 'etag "2", 1600000 bytes'


def test_a_file_for_every_day(serve, reader):
    today = datetime.now(UTC).date()
    there = {f"/export-{today - timedelta(days=n)}.csv": str(n).encode() for n in (1, 2, 5)}
    serve(lambda asked: Answer(there[asked.path]) if asked.path in there else Answer(status=404))
    transport = files("/export-%Y-%m-%d.csv", days=4)
    assert list(reader.contents(transport).values()) == [b"2", b"1"]
    assert [said for said in reader.said if "not there (yet)" in said]
    start = datetime.combine(today, datetime.min.time(), UTC) - timedelta(days=5)
    assert list(reader.contents(transport, Request(since=start, until=start + timedelta(days=1))).values()) == [b"5"]
    assert transport.check()[-1].endswith("is not there yet")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(status=404), r"is not there \(HTTP 404\)"),
        (Answer(b"all of it?", headers={"Content-Length": None, "Connection": "close"}), "comes without its size"),
        (Answer(bytes(2_000_000)), "more than 1,000,000 bytes"),
    ],
)
def test_a_file_that_cannot_be_had_is_set_aside_and_the_others_come(serve, reader, answer, told):
    serve(lambda asked: answer if asked.path == "/a" else Answer(b"b"))
    two = {"a": HttpFile("/a", Whole()), "b": HttpFile("/b", Whole())}
    transport = HttpFiles("shop", two, limits=Limits(answer_bytes=1_000_000), patience=IMPATIENT)
    assert reader.contents(transport) == {"http:/b": b"b"}
    assert re.search(told, str(reader.set_aside["http:/a"]))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(status=403), r"answered HTTP 403; see sources\.shop\.base_url"),
        (Answer(b"half", headers={"Content-Length": "9", "Connection": "close"}), r"\(30 attempts\)"),
    ],
)
def test_a_server_that_refuses_or_breaks_off_hands_over_nothing(serve, reader, answer, told):
    serve(lambda _: answer)
    with pytest.raises(SourceUnavailableError, match=told):
        reader.contents(files())
    assert reader.ledger.landed == {}
