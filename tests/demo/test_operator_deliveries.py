"""What real clients read is what the truth says was sent, on both mornings."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from operator_contracts import CONTRACTS, is_good
from operator_story import ANNOUNCED, Reading, Story

from demo.operator.settings import SERVED


def _fresh(story: Story, morning: int) -> list:
    """The batches that a morning brought."""
    if morning == 1:
        return story.first.batches
    old = {(b.resource, b.uri): b.version for b in story.first.billing}
    billing = [b for b in story.second.billing if old.get((b.resource, b.uri)) != b.version]
    second = story.second
    whole = [*second.crm, *billing, *second.catalog, *second.orders]
    return [*whole, *second.usage, *second.contacts, *second.recommendations, *second.events]


def test_every_delivery_holds_the_rows_that_the_truth_counts(story: Story) -> None:
    for morning in (1, 2):
        told = {
            (d.source, d.resource, d.uri_suffix): (d.rows, d.malformed)
            for d in story.truth.deliveries
            if d.morning == morning
        }
        seen = {}
        for batch in _fresh(story, morning):
            name = next(key for key in told if key[:2] == (batch.source, batch.resource) and batch.uri.endswith(key[2]))
            bad = sum(not is_good(batch.resource, row) for row in batch.rows)
            assert name not in seen
            seen[name] = (len(batch.rows), bad)
        assert seen == told


def test_every_duplicate_is_an_exact_and_good_repeat(story: Story) -> None:
    told: Counter[str] = Counter()
    for delivery in story.truth.deliveries:
        told[delivery.resource] += delivery.duplicates
    seen: Counter[str] = Counter()
    rows: dict[str, Counter] = {}
    for morning in (1, 2):
        for batch in _fresh(story, morning):
            if batch.source in ("catalog", "orders"):
                ids = [repr(row) for row in batch.rows]
                assert len(ids) == len(set(ids))
                continue
            counter = rows.setdefault(batch.resource, Counter())
            for row in batch.rows:
                counter[repr(row)] += row is not None
    for resource, counter in rows.items():
        repeated = {text: count - 1 for text, count in counter.items() if count > 1}
        seen[resource] = sum(repeated.values())
    assert seen == {resource: told[resource] for resource in rows}


def test_every_kind_of_dirt_occurs(story: Story) -> None:
    for source in SERVED:
        assert sum(d.malformed for d in story.truth.sent(source)) > 0
        if source not in ("catalog", "orders"):
            assert sum(d.duplicates for d in story.truth.sent(source)) > 0
    for resource in CONTRACTS:
        source = next(d.source for d in story.truth.deliveries if d.resource == resource)
        assert sum(d.malformed for d in story.truth.sent(source, resource)) > 0, resource
    # a line that is no row at all: too many fields, a truncated line of JSON
    unparsable = {b.resource for b in story.first.batches if None in b.rows}
    assert {"bills", "party_interactions", "events"} <= unparsable
    # late files: they carry an earlier day, and were not there on the first morning
    last_day = f"{story.first.as_of:%Y%m%d}"
    for source, suffix in (("billing", ".csv.gz"), ("usage", ".tar.gz")):
        first = {d.uri_suffix for d in story.truth.sent(source, morning=1)}
        late = [
            d
            for d in story.truth.sent(source, morning=2)
            if d.uri_suffix not in first and f"{last_day}{suffix}" not in d.uri_suffix
        ]
        assert len(late) == 1
        assert late[0].rows > 0
    # several e-mails, several devices, a device of a household, a person with two customer ids
    customers = story.truth.customers.values()
    assert any(len(customer.email_addresses) > 1 for customer in customers)
    assert any(len(customer.device_ids) > 1 for customer in customers)
    people: dict[str, set[str]] = {}
    records: Counter[str] = Counter()
    for customer in customers:
        records[customer.person_id] += 1
        for device in customer.device_ids:
            people.setdefault(device, set()).add(customer.person_id)
    assert any(len(sharing) > 1 for sharing in people.values())
    assert sum(count == 2 for count in records.values()) == 1
    # a history of consents, and statuses of every kind
    assert {customer.status for customer in customers} == {"prospective", "active", "suspended", "terminated"}


def test_one_notification_a_queue_is_delivered_twice(story: Story) -> None:
    for source in ANNOUNCED:
        for reading in (story.first, story.second):
            counts = Counter(reading.announced[source])
            assert sorted(counts.values()) == [1] * (len(counts) - 1) + [2]
    keys = [key for _, key in story.second.announced["usage"]]
    assert {key.split("/")[-1] for key in keys} == {"usage_20261028.tar.gz", "usage_20261031.tar.gz"}


def test_the_late_files_come_with_the_second_morning(story: Story) -> None:
    new = {b.uri for b in story.second.billing} - {b.uri for b in story.first.billing}
    assert {uri for uri in new if "20261031" in uri} == {
        f"/outgoing/{name}/{name}_20261031.csv.gz"
        for name in ("bills", "bill_items", "payments", "dunning_notices", "top_ups")
    }
    late = [uri for uri in new if "20261031" not in uri]
    assert len(late) == 1
    assert late[0].startswith("/outgoing/payments/")


def test_the_resent_bills_are_corrected(story: Story) -> None:
    before = {b.uri: b for b in story.first.billing}
    changed = [b for b in story.second.billing if b.uri in before and before[b.uri].version != b.version]
    assert [b.resource for b in changed] == ["bills"]
    old, new = before[changed[0].uri], changed[0]
    assert sum(not is_good("bills", row) for row in old.rows) == 1
    assert all(is_good("bills", row) for row in new.rows)
    assert [row["bill_no"] for row in old.rows] == [row["bill_no"] for row in new.rows]
    assert all(o["amount_due"] != n["amount_due"] for o, n in zip(old.rows, new.rows, strict=True))


def test_a_column_appears_half_way(story: Story) -> None:
    days = {b.uri[-15:-7]: b.rows for b in story.first.billing if b.resource == "bills" and b.rows}
    has = {day: any("ebill_channel" in row for row in rows if row) for day, rows in days.items()}
    assert {has for day, has in has.items() if day < "20261022"} == {False}
    assert {has for day, has in has.items() if day >= "20261022"} == {True}


def test_late_events_and_visits_that_hold_together(story: Story) -> None:
    events = [row for b in story.first.events for row in b.rows if is_good("events", row)]
    late = [
        e
        for e in events
        if e.get("sent_at")
        and datetime.fromisoformat(e["sent_at"]) - datetime.fromisoformat(e["occurred_at"]) > timedelta(hours=1)
    ]
    assert late
    # Once logged in, the customer stays known to the end of the visit.
    unique = {e["event_id"]: e for e in events}.values()
    by_device: dict[str, list] = {}
    for event in sorted(unique, key=lambda e: e["occurred_at"]):
        by_device.setdefault(event["device_id"], []).append(event)
    logins = 0
    for visits in by_device.values():
        known, last = None, datetime(2000, 1, 1, tzinfo=UTC)
        for event in visits:
            at = datetime.fromisoformat(event["occurred_at"])
            if (at - last).total_seconds() > 1800:
                known = None
            if event["event_type"] == "login":
                known = event["customer_id"]
                logins += 1
            assert event.get("customer_id") == known
            last = at
    assert logins > 20


def test_a_restart_serves_the_same_again(story: Story) -> None:
    def everything(reading: Reading) -> list:
        return [(b.source, b.resource, b.uri, b.version, b.rows) for b in reading.batches]

    assert everything(story.again_first) == everything(story.first)
    assert story.restarted.as_of == story.second.as_of
    assert story.operator.morning == 2
    assert _by_name(story.restarted.billing) == _by_name(story.second.billing)
    assert _by_name(story.restarted.catalog) == _by_name(story.second.catalog)
    assert _by_name(story.restarted.orders) == _by_name(story.second.orders)
    for source in ANNOUNCED:
        first, second, both = (getattr(r, source) for r in (story.first, story.second, story.restarted))
        assert _by_name(both) == _by_name(first) | _by_name(second)
    # Sequence numbers go on where the first morning ended, and are the same after the restart.
    for first, second, both in zip(story.first.events, story.second.events, story.restarted.events, strict=True):
        assert second.rows or first.rows
        assert both.version == "\n".join(filter(None, (first.version, second.version)))


def _by_name(batches: list) -> dict:
    return {(b.resource, b.uri): (b.version, repr(b.rows)) for b in batches}
