"""The collector over HTTP: what it takes, what it answers, and what it does with callers that misbehave."""

import json
import socket
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from collector_keys import ROTATED_KEY, SLOW_KEY

from benchmarks.collecting import KEY, ORIGIN, SITE, event


def test_an_event_is_enriched_and_on_the_stream_when_it_is_acknowledged(post, streams, new_id):
    identity = new_id()
    sent = event(identity, "d-7", user_agent=None, ip=None, order_amount=12.5, properties={"colour": "sininen"})
    before = datetime.now(UTC)
    status, _, answer = post(sent, User_Agent="Mozilla/5.0 (Äö)".encode().decode("latin-1"))
    assert (status, answer) == (200, {"accepted": 1})
    (found,) = [one for one in streams.good() if one["event_id"] == identity]
    received = datetime.fromisoformat(found.pop("received_at"))
    assert before - timedelta(seconds=1) < received <= datetime.now(UTC)
    times = {name: datetime.fromisoformat(found.pop(name)) for name in ("occurred_at", "sent_at")}
    assert times == {name: datetime.fromisoformat(sent.pop(name)) for name in times}
    assert found == {
        **{name: value for name, value in sent.items() if value is not None},
        "site_id": SITE,
        "ip": "127.0.0.0",
        "user_agent": "Mozilla/5.0 (Äö)",
    }


def test_the_good_events_of_a_batch_are_taken_and_the_bad_ones_named(post, streams, new_id):
    first, last = new_id(), new_id()
    without_id = {name: value for name, value in event("").items() if name != "event_id"}
    batch = [event(first), event(new_id(), device_id=None), without_id, {"event_type": "x"}, event(last)]
    status, _, answer = post(batch)
    assert status == 207
    assert answer["accepted"] == 3
    (made,) = answer["new_ids"]
    assert made["index"] == 2
    assert [(one["index"], one["path"], one["rule"]) for one in answer["rejected"]] == [
        (1, "$.device_id", "type"),
        (3, "$.schema_version", "schema_version"),
    ]
    found = [one["event_id"] for one in streams.good()]
    assert [one for one in found if one in (first, made["event_id"], last)] == [first, made["event_id"], last]
    bad = streams.bad()[-2:]
    assert [(one["site_id"], one["reason"]) for one in bad] == [
        (SITE, rejected["reason"]) for rejected in answer["rejected"]
    ]
    assert json.loads(bad[1]["payload"]) == {"event_type": "x"}
    # what was taken may be sent again: it is the same event
    assert post(batch[:1])[0] == 200
    assert [one["event_id"] for one in streams.good()] == [first]


def test_a_page_may_send_a_beacon(post, new_id):
    """`navigator.sendBeacon(address, text)` has no headers of its own, so it needs no leave of the server."""
    path = f"/v1/events?{urlencode({'write_key': KEY})}"
    status, headers, _ = post(
        event(new_id()), key=None, path=path, Content_Type="text/plain;charset=UTF-8", Origin=ORIGIN
    )
    assert (status, headers["access-control-allow-origin"], headers["vary"]) == (200, ORIGIN, "origin")


def test_the_pixel_of_an_email_says_an_event_in_its_query(collector, streams):
    said = {
        "write_key": KEY,
        "event_type": "custom",
        "event_name": "email_opened",
        "device_id": "recipient-7",
        "utm_campaign": "kesä 2026",
        "order_amount": "12.50",
    }
    status, headers, content = collector.ask("GET", f"/v1/pixel.gif?{urlencode(said)}", headers={"User-Agent": "Mail"})
    assert (status, headers["content-type"], headers["cache-control"]) == (200, "image/gif", "no-store")
    assert content.startswith(b"GIF89a")
    (found,) = [one for one in streams.good() if one["device_id"] == "recipient-7"]
    assert len(found["event_id"]) == 32
    assert found["occurred_at"][:19] == found["received_at"][:19]
    assert {name: found[name] for name in ("utm_campaign", "order_amount", "schema_version", "user_agent")} == {
        "utm_campaign": "kesä 2026",
        "order_amount": 12.5,
        "schema_version": "1-1-0",
        "user_agent": "Mail",
    }
    del said["device_id"]
    status, _, content = collector.ask("GET", f"/v1/pixel.gif?{urlencode(said)}")
    assert (status, json.loads(content)["rejected"][0]["path"]) == (422, "$.device_id")


def test_addresses_are_truncated_and_only_our_proxies_are_believed(post, streams, new_id):
    behind_proxy, forged, own = new_id(), new_id(), new_id()
    post(event(behind_proxy), X_Forwarded_For="203.0.113.77, 10.1.2.3")
    # the proxy 10.1.2.3 says who asked it; what that one says about itself is left of it
    post(event(forged), X_Forwarded_For="192.0.2.1, 198.51.100.99, 10.1.2.3")
    post(event(own, ip="2001:db8:12:34::1", user_agent="of a visitor"))
    found = {one["event_id"]: one for one in streams.good()}
    assert found[behind_proxy]["ip"] == "203.0.113.0"
    assert found[forged]["ip"] == "198.51.100.0"
    assert (found[own]["ip"], found[own]["user_agent"]) == ("2001:db8:12::", "of a visitor")


def test_keys_and_origins(post, collector, new_id):
    assert post(event(new_id()), key=ROTATED_KEY)[0] == 200
    for key in (None, "a-key-that-nobody-has"):
        status, headers, answer = post(event(new_id()), key=key)
        assert (status, answer["error"], "www-authenticate" in headers) == (401, "write_key", True)
    status, headers, answer = post(event(new_id()), Origin="https://elsewhere.example.com")
    assert (status, answer["error"], "access-control-allow-origin" in headers) == (403, "origin", False)
    # the origin is that of another site's pages
    assert post(event(new_id()), key=SLOW_KEY, Origin=ORIGIN)[0] == 403
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    status, headers, _ = collector.ask("OPTIONS", "/v1/events", headers=preflight)
    assert (status, headers["access-control-allow-origin"]) == (204, ORIGIN)
    assert "x-write-key" in headers["access-control-allow-headers"]
    status, _, _ = collector.ask("OPTIONS", "/v1/events", headers={**preflight, "Origin": "https://elsewhere.example"})
    assert status == 403
    assert KEY not in collector.log


def test_a_site_that_sends_too_much_is_told_when_to_come_back(post, new_id):
    assert post([event(new_id()) for _ in range(10)], key=SLOW_KEY)[0] == 200
    status, headers, answer = post(event(new_id()), key=SLOW_KEY)
    assert (status, answer["error"]) == (429, "rate")
    # an event in twenty seconds
    assert 1 <= int(headers["retry-after"]) <= 20
    assert post(event(new_id()))[0] == 200, "another site is not held up"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, "json"),
        (b'{"event_type": "page_view"', 400, "json"),
        (b'{"event_type": NaN}', 400, "json"),
        (b"[]", 400, "empty"),
        (b'"page_view"', 400, "json"),
        (b"[" * 30_000, 400, "depth"),
        (b'\xef\xbb\xbf{"event_type":"page_view"}', 400, "json"),
        (b"[" + b",".join([b"{}"] * 51) + b"]", 413, "batch"),
        (b" " * 65_537, 413, "body"),
    ],
)
def test_a_body_of_which_nothing_can_be_taken(post, streams, body, status, error):
    found, _, answer = post(body)
    assert (found, answer["error"]) == (status, error)
    assert answer["reason"]
    if error != "body":
        assert streams.bad()[-1]["reason"] == answer["reason"]


def test_what_is_not_asked_for_is_refused_by_name(post, collector, new_id):
    assert post(event(new_id()), Content_Type="application/x-www-form-urlencoded")[0] == 415
    assert post(event(new_id()), Content_Encoding="gzip")[0] == 415
    status, headers, _ = collector.ask("GET", "/v1/events")
    assert (status, headers["allow"]) == (405, "POST, OPTIONS")
    assert collector.ask("GET", "/v2/events")[0] == 404
    assert collector.ask("GET", "/v1/pixel.gif?write_key=%ff")[0] == 400
    assert collector.ask("HEAD", "/health")[0] == 200


def test_callers_that_are_slow_or_break_off_hold_nothing_up(collector, new_id):
    """Slow-loris, half a body, a body in pieces: each connection ends on its own, and others are served meanwhile."""
    body = json.dumps(event(new_id())).encode()
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Write-Key: {KEY}\r\n".encode()
    sized = head + b"Content-Length: %d\r\n\r\n" % len(body)
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    callers = {
        "half a head": head,
        "half a body": sized + body[:10],
        "pieces": chunked + b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (10, body[:10], len(body) - 10, body[10:]),
        "pieces without an end": chunked + b"a\r\n" + body[:10] + b"\r\n",
        "no pieces": chunked + b"zz\r\n",
        "too many bytes": head + b"Content-Length: 100000000\r\n\r\n" + body,
        "endless pieces": chunked + b"ffff\r\n" + b" " * 0xFFFF + b"\r\nffff\r\n" + b" " * 0xFFFF + b"\r\n",
        "many headers": head + b"".join(b"X-%d: x\r\n" % number for number in range(200)) + b"\r\n",
        "no HTTP": b"\x16\x03\x01\x02\x00\r\n\r\n",
    }
    connections = {}
    for name, sent in callers.items():
        connections[name] = socket.create_connection(("127.0.0.1", collector.port), timeout=10)
        connections[name].sendall(sent)
    assert collector.ask("GET", "/health/live")[0] == 200
    statuses = {}
    for name, connection in connections.items():
        with connection:
            answer = connection.recv(4096)
            statuses[name] = int(answer[9:12]) if answer else None
    assert statuses == {
        "half a head": None,
        "half a body": 408,
        "pieces": 200,
        "pieces without an end": 408,
        "no pieces": 400,
        "too many bytes": 413,
        "endless pieces": 413,
        "many headers": 431,
        "no HTTP": 400,
    }


def test_health_and_metrics(post, collector, new_id):
    post([event(new_id()), {}])
    status, _, content = collector.ask("GET", "/health")
    assert (status, json.loads(content)) == (
        200,
        {"live": True, "ready": True, "stream": "direct", "spool_bytes": 0},
    )
    status, headers, content = collector.ask("GET", "/metrics")
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = content.decode().splitlines()
    assert any(line.startswith(f'majakka_collector_events_accepted_total{{site="{SITE}"}}') for line in lines)
    assert any('rule="schema_version"' in line for line in lines)
    assert "majakka_collector_bytes_in_hand 0.0" in lines
    (count,) = [line for line in lines if line.startswith("majakka_collector_request_seconds_count")]
    assert float(count.split()[1]) > 1


def test_an_event_is_acknowledged_in_a_moment(post, new_id):
    started = time.monotonic()
    for _ in range(20):
        post(event(new_id()))
    assert time.monotonic() - started < 5
