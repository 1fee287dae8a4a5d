"""Turns the operator's clean life into what each system sends, with its dirt, and keeps count of it.

Layout of the folder: `sftp-1`, `sftp-2`, `s3-1`, `s3-2` hold the files that appear with a morning (their times of
modification are the ones to be served), `events-1.txt`, `events-2.txt` the stream records in their order,
`crm/*.jsonl` every record version in the order of last update, `catalog/<morning>/*.json` and
`orders/<morning>/*.json` the collections.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from demo.operator import files
from demo.operator.catalogue import offering_json, offerings
from demo.operator.dirt import (
    USAGE_KINDS,
    Line,
    breakers,
    cell,
    json_put,
    put,
    soil,
    too_few_fields,
    too_many_fields,
    truncated,
    usage_parts,
)
from demo.operator.life import product_json
from demo.operator.orders import order_json
from demo.operator.settings import (
    CONTACTS_BUCKET,
    RECOMMENDATIONS_BUCKET,
    SHARDS,
    USAGE_BUCKET,
    midnight,
    stamp,
)
from demo.operator.truth import Delivery
from demo.operator.usage import late_day

if TYPE_CHECKING:
    from collections.abc import Sized
    from pathlib import Path

    from demo.operator.billing import Bill, Billing, Notice
    from demo.operator.contacts import Contacts
    from demo.operator.life import Product
    from demo.operator.orders import Orders
    from demo.operator.population import Population, Record
    from demo.operator.prepaid import TopUp
    from demo.operator.recommend import Recommendations
    from demo.operator.settings import OperatorSettings
    from demo.operator.usage import Meter
    from demo.operator.visits import Visits

BILL_COLUMNS = [
    "bill_no",
    "customer_id",
    "customer_name",
    "bill_date",
    "period_start",
    "period_end",
    "payment_due_date",
    "amount_due",
    "tax_amount",
    "currency",
    "state",
]
ITEM_COLUMNS = ["bill_item_id", "bill_no", "product_id", "description", "charge_type", "quantity", "amount"]
PAYMENT_COLUMNS = ["payment_id", "bill_no", "customer_id", "payment_date", "amount", "method"]
NOTICE_COLUMNS = ["dunning_notice_id", "customer_id", "bill_no", "notice_date", "level", "fee_amount"]
TOP_UP_COLUMNS = ["top_up_id", "customer_id", "product_id", "top_up_date", "amount", "channel", "voucher"]
COLUMNS = {
    "bills": BILL_COLUMNS,
    "bill_items": ITEM_COLUMNS,
    "payments": PAYMENT_COLUMNS,
    "dunning_notices": NOTICE_COLUMNS,
    "top_ups": TOP_UP_COLUMNS,
}


class Writer:
    """Writes deliveries below a folder and collects the truth about them in `deliveries`."""

    def __init__(self, folder: Path, settings: OperatorSettings) -> None:
        self.folder = folder
        self.settings = settings
        self.deliveries: list[Delivery] = []
        self.dice = settings.dice("dirt")
        self.repeats = 1 if settings.customers < 300 else 4

    def _morning(self, day: date) -> int:
        """The morning with which a day arrives if nothing holds it up."""
        return 2 if day == self.settings.last_day else 1

    # --- CRM ------------------------------------------------------------------------------------------

    def crm(self, population: Population) -> None:
        """Three files of record versions, and what each morning's window holds."""
        customer_kinds = breakers(
            self.settings,
            [
                put("customer_id", status="deceased"),
                put("customer_id", family_name=None),
                put("customer_id", birth_date="31.2.1975"),
                put("customer_id", customer_since=None),
            ],
        )
        medium_kinds = breakers(
            self.settings,
            [put("contact_medium_id", contact_type="fax"), put("contact_medium_id", customer_id=None)],
        )
        consent_kinds = breakers(
            self.settings,
            [put("consent_id", purpose="telepathy"), put("consent_id", valid_from="eilen")],
        )
        for resource, operation, records, kinds in (
            ("customers", "ListCustomers", population.customer_records, customer_kinds),
            ("contact_media", "ListContactMedia", population.media_records, medium_kinds),
            ("consents", "ListConsents", population.consent_records, consent_kinds),
        ):
            windows: dict[int, list[Record]] = {1: [], 2: []}
            for record in records:
                windows[1 if record["last_update"] < stamp(self.settings.morning(1)) else 2].append(record)
            dirty = soil(windows, kinds, self.repeats + 1, self.dice)
            lines = []
            for morning, batch in dirty.items():
                batch.rows.sort(key=lambda record: record["last_update"])
                lines += [orjson.dumps(record) for record in batch.rows]
                self._count("crm", resource, operation, morning, batch.rows, batch.malformed, batch.duplicates)
            path = self.folder / "crm" / f"{operation}.jsonl"
            files.write(path, files.json_lines(lines), self.settings.opening)

    # --- billing --------------------------------------------------------------------------------------

    def billing(self, billing: Billing, top_ups: list[TopUp]) -> None:
        """Five CSV files a day; one payments file late, one bills file sent again corrected."""
        settings = self.settings
        bills: dict[date, list[Bill]] = {day: [] for day in settings.all_days}
        for bill in billing.bills:
            bills[bill.day].append(bill)
        resent = self._resent_day(bills)
        self._resend(resent, bills[resent])
        self._daily(
            "bills",
            {day: [_bill_line(bill) for bill in found] for day, found in bills.items()},
            [too_many_fields, cell(1, ""), cell(7, "n/a"), cell(10, "draft"), cell(3, "31.02.2026")],
            skip=resent,
        )
        items = {
            day: [_item_line(bill, place) for bill in found for place in range(len(bill.items))]
            for day, found in bills.items()
        }
        self._daily("bill_items", items, [cell(4, "misc"), too_few_fields, cell(6, "12,3,4")])
        payments: dict[date, list[Line]] = {day: [] for day in settings.all_days}
        for payment in billing.payments:
            payments[payment.day].append(
                [
                    payment.id,
                    payment.bill.number,
                    payment.bill.customer.id,
                    _day(payment.day),
                    _cents(payment.amount),
                    payment.method,
                ]
            )
        late = self._late_payments(payments)
        self._daily(
            "payments", payments, [cell(4, ""), cell(5, "bitcoin"), cell(3, "2026-13-45"), too_many_fields], late=late
        )
        notices: dict[date, list[Line]] = {day: [] for day in settings.all_days}
        for notice in billing.notices:
            notices[notice.day].append(_notice_line(notice))
        self._daily("dunning_notices", notices, [cell(4, "9"), cell(2, ""), too_few_fields])
        topped: dict[date, list[Line]] = {day: [] for day in settings.all_days}
        for one in top_ups:
            topped[one.at.date()].append(_top_up_line(one))
        self._daily("top_ups", topped, [cell(4, "-5,00"), cell(3, "eilen"), cell(5, "pigeon")])

    def _resent_day(self, bills: dict[date, list[Bill]]) -> date:
        """A day whose bills were wrong: the fullest of those that are neither first nor fresh."""
        days = self.settings.all_days[1:-4]
        return max(days, key=lambda day: (len(bills[day]), day))

    def _late_payments(self, payments: dict[date, list[Line]]) -> date:
        """A recent day whose payments arrive with the second morning only."""
        return max(self.settings.all_days[-8:-1], key=lambda day: (len(payments[day]), day))

    def _resend(self, day: date, bills: list[Bill]) -> None:
        """The first version knew the old tax rate, and one of its amounts was a spreadsheet's error."""
        wrong = [_bill_line(bill) for bill in bills]
        for line, bill in zip(wrong, bills, strict=True):
            net = bill.amount - bill.tax
            line[7], line[8] = _cents(net + net * 24 // 100), _cents(net * 24 // 100)
        wrong[len(wrong) // 2][7] = "#ARVO!"
        right = [_bill_line(bill) for bill in bills]
        self._csv("bills", day, wrong, 1, midnight(day + timedelta(days=1)))
        self._csv("bills", day, right, 2, self.settings.morning(2))
        name = f"bills/bills_{day:%Y%m%d}.csv.gz"
        self._count("billing", "bills", name, 1, wrong, 1, 0, superseded=True)
        self._count("billing", "bills", name, 2, right, 0, 0)

    def _daily(
        self,
        resource: str,
        lines: dict[date, list[Line]],
        kinds: list[Any],
        *,
        skip: date | None = None,
        late: date | None = None,
    ) -> None:
        spare = [day for day in (skip, late) if day]
        dirty = soil(lines, breakers(self.settings, kinds), self.repeats, self.dice, spare)
        for day, batch in dirty.items():
            if day == skip:
                continue
            morning = 2 if day == late else self._morning(day)
            at = self.settings.morning(2) if day == late else midnight(day + timedelta(days=1))
            self._csv(resource, day, batch.rows, morning, at)
            name = f"{resource}/{resource}_{day:%Y%m%d}.csv.gz"
            self._count("billing", resource, name, morning, batch.rows, batch.malformed, batch.duplicates)

    def _csv(self, resource: str, day: date, lines: list[Line], morning: int, at: datetime) -> None:
        columns = COLUMNS[resource]
        if resource == "bills":
            if day >= self.settings.all_days[self.settings.days // 2]:
                columns = [*columns, "ebill_channel"]
            else:
                # The channel is the twelfth field, before what a malformed line has too many.
                lines = [line[:11] + line[12:] for line in lines]
        path = self.folder / f"sftp-{morning}" / "outgoing" / resource / f"{resource}_{day:%Y%m%d}.csv.gz"
        files.write(path, files.csv_gz(columns, lines), at)

    # --- catalogue ------------------------------------------------------------------------------------

    def catalog(self, products: list[Product]) -> None:
        """Both collections as each morning shows them; malformed entries stay until somebody mends them."""
        product_kinds = breakers(
            self.settings,
            [put("id", status="unknown"), put("id", relatedParty=None), put("id", startDate="heti")],
        )
        wrong_price = [{"priceType": "recurring", "price": {"taxIncludedAmount": {"unit": "EUR", "value": "free"}}}]
        for morning in (1, 2):
            at = self.settings.morning(morning)
            shown = [record for product in products if (record := product_json(product, at))]
            broken = [kind(shown[(place + 1) * 7]) for place, kind in enumerate(product_kinds)]
            self._collection("products", "product", morning, shown + broken, len(broken))
            offered = [offering_json(offering) for offering in offerings(self.settings, morning)]
            offered.append(put("id", productOfferingPrice=wrong_price)(offered[0]))
            self._collection("product_offerings", "productOffering", morning, offered, 1)

    def _collection(self, resource: str, name: str, morning: int, records: list[Record], malformed: int) -> None:
        system = "orders" if name == "productOrder" else "catalog"
        records = [{key: value for key, value in r.items() if value is not None} for r in records]
        records.sort(key=lambda record: str(record["id"]))
        path = self.folder / system / str(morning) / f"{name}.json"
        files.write(path, orjson.dumps(records), self.settings.morning(morning))
        self._count(system, resource, name, morning, records, malformed, 0, superseded=morning == 1)

    # --- orders ---------------------------------------------------------------------------------------

    def orders(self, orders: Orders) -> None:
        """All orders as each morning shows them, with their items; what is malformed stays until somebody mends it."""
        order_kinds = breakers(
            self.settings,
            [
                put("id", state="lost", productOrderItem=None),
                put("id", relatedParty=None, productOrderItem=None),
                put("id", orderDate="eilen", productOrderItem=None),
            ],
        )
        item_kinds = breakers(self.settings, [put("id", action="swap"), put("id", productOffering=None)])
        for morning in (1, 2):
            at = self.settings.morning(morning)
            shown = [record for order in orders.orders if (record := order_json(order, at))]
            named = [record for record in shown if "relatedParty" in record]
            broken = [kind(named[(place + 1) * 5]) for place, kind in enumerate(order_kinds)]
            for place, kind in enumerate(item_kinds):
                items = named[(place + 1) * 9]["productOrderItem"]
                items.append({key: value for key, value in kind(items[0]).items() if value is not None})
            self._collection("product_orders", "productOrder", morning, shown + broken, len(broken))
            items = [item for record in shown for item in record["productOrderItem"]]
            wrong = (len(item_kinds), 0)
            self._count(
                "orders", "product_order_items", "productOrder", morning, items, *wrong, superseded=morning == 1
            )

    # --- recommendations ------------------------------------------------------------------------------

    def recommendations(self, recommendations: Recommendations) -> None:
        """One Parquet file for each run of a model; a writer that was started twice repeats rows."""
        changes: list[Record] = [{"placement": "billboard"}, {"customer_id": None}, {"item_rank": 0}]
        for number, run in enumerate(recommendations.runs):
            clean = run.table()
            parts = [clean]
            wrong = changes[number : number + 1] if clean.num_rows else []
            for change in wrong:
                row = clean.slice(self.dice.randrange(clean.num_rows), 1).to_pylist()[0]
                row = {**row, "recommendation_id": f"{row['recommendation_id']}-X", **change}
                parts.append(pa.Table.from_pylist([row], schema=clean.schema))
            repeats = 2 if number % 3 == 1 and clean.num_rows else 0
            parts += [clean.slice(self.dice.randrange(clean.num_rows), 1) for _ in range(repeats)]
            table = pa.concat_tables(parts)
            morning = self._morning(run.day)
            path = self.folder / f"s3-{morning}" / RECOMMENDATIONS_BUCKET / run.file_name
            files.write(path, files.parquet(table), run.at + timedelta(minutes=20))
            broken = (len(wrong), repeats)
            name = run.file_name
            self._count("recommendations", "product_recommendations", name, morning, range(table.num_rows), *broken)

    # --- usage ----------------------------------------------------------------------------------------

    def usage(self, meter: Meter) -> None:
        """One archive of two Parquet files a day; one of them late."""
        kinds = USAGE_KINDS if self.settings.customers >= 300 else USAGE_KINDS[:3]
        plan = {(place * 3 + 2) % self.settings.days: [kind] for place, kind in enumerate(kinds)}
        late = late_day(self.settings)
        for number, (day, clean) in enumerate(meter.days()):
            changes = plan.get(number, [])
            repeats = 2 if number % 9 == 4 else 0
            parts, rows = usage_parts(clean, changes, repeats, self.dice)
            morning = 2 if day == late else self._morning(day)
            at = self.settings.morning(2) if day == late else midnight(day + timedelta(days=1))
            members = [(f"part-{place}.parquet", files.parquet(part)) for place, part in enumerate(parts)]
            key = meter.file_name(day)
            files.write(
                self.folder / f"s3-{morning}" / USAGE_BUCKET / key,
                files.tar_gz(members, midnight(day + timedelta(days=1))),
                at,
            )
            self._count("usage", "usage", key, morning, range(rows), len(changes), rows - clean.num_rows - len(changes))

    # --- contacts -------------------------------------------------------------------------------------

    def contacts(self, contacts: Contacts) -> None:
        """JSON lines a day; days on which nothing happened have no object."""
        for resource, folder, records, kinds in (
            (
                "party_interactions",
                "interactions",
                contacts.interactions,
                [
                    truncated,
                    json_put("id", direction="sideways"),
                    json_put("id", relatedParty=None, relatedContactInformation=None),
                ],
            ),
            (
                "trouble_tickets",
                "tickets",
                contacts.tickets,
                [json_put("id", severity="catastrophic"), truncated, json_put("id", creationDate="toissapäivänä")],
            ),
            (
                "survey_responses",
                "surveys",
                contacts.surveys,
                [json_put("id", score=11), json_put("id", relatedParty=None), truncated],
            ),
        ):
            lines = {day: [orjson.dumps(record) for record in found] for day, found in records.items() if found}
            dirty = soil(lines, breakers(self.settings, kinds), self.repeats, self.dice)
            for day, batch in dirty.items():
                key, morning = f"{folder}/{day:%Y/%m/%d}.jsonl", self._morning(day)
                path = self.folder / f"s3-{morning}" / CONTACTS_BUCKET / key
                files.write(path, files.json_lines(batch.rows), midnight(day + timedelta(days=1)))
                self._count("contacts", resource, key, morning, batch.rows, batch.malformed, batch.duplicates)

    # --- events ---------------------------------------------------------------------------------------

    def events(self, visits: Visits) -> None:
        """The stream in the order of arrival, by morning; the partition key stands before each record."""
        settings, dice = self.settings, self.dice
        clean = visits.arrivals
        kinds = breakers(
            settings,
            [
                truncated,
                json_put("event_id", occurred_at="yesterday"),
                json_put("event_id", device_id=None),
                json_put("event_id", schema_version=None),
            ],
            few=2,
        )
        sent = [(at, device, line, 0, 0) for at, device, line in clean]
        for kind in kinds * (1 + len(clean) // 50_000):
            at, device, line = dice.choice(clean)
            sent.append((at, device, kind(line), 1, 0))
        for at, device, line in dice.sample(clean, max(3, len(clean) // 150)):
            again = at + timedelta(seconds=dice.randrange(1, 7_200))
            if again < settings.morning(2):
                sent.append((again, device, line, 0, 1))
        sent.sort(key=lambda record: record[0])
        middle = bisect_left(sent, settings.morning(1), key=lambda record: record[0])
        for morning, batch in ((1, sent[:middle]), (2, sent[middle:])):
            lines = (device.encode() + b"\t" + line + b"\n" for _, device, line, _, _ in batch)
            files.write_lines(self.folder / f"events-{morning}.txt", lines, settings.morning(morning))
            placed = [shard(record[1]) for record in batch]
            for number in range(SHARDS):
                mine = [record for record, place in zip(batch, placed, strict=True) if place == number]
                broken, repeated = sum(record[3] for record in mine), sum(record[4] for record in mine)
                self._count("events", "events", f"shardId-{number:012d}", morning, mine, broken, repeated)

    def _count(
        self,
        source: str,
        resource: str,
        uri_suffix: str,
        morning: int,
        rows: Sized,
        *wrong: int,
        superseded: bool = False,
    ) -> None:
        """Note a delivery; `wrong` is how many of its rows are malformed, and how many repeats."""
        malformed, duplicates = wrong
        self.deliveries.append(
            Delivery(source, resource, uri_suffix, morning, len(rows), malformed, duplicates, superseded)
        )


def shard(partition_key: str) -> int:
    """The shard that Kinesis gives a key: its MD5 within evenly divided hash ranges."""
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest()) * SHARDS >> 128


def _bill_line(bill: Bill) -> Line:
    person = bill.customer.person
    return [
        bill.number,
        bill.customer.id,
        f"{person.given_name} {person.family_name}",
        _day(bill.day),
        _day(bill.period_start),
        _day(bill.period_end),
        _day(bill.due),
        _cents(bill.amount),
        _cents(bill.tax),
        "EUR",
        "sent",
        bill.customer.ebill_channel,
    ]


def _item_line(bill: Bill, place: int) -> Line:
    item = bill.items[place]
    quantity = str(Decimal(item.quantity).scaleb(-4).quantize(Decimal("0.0001"))).replace(".", ",")
    return [
        item.id,
        bill.number,
        item.product.id if item.product else "",
        item.description,
        item.charge_type,
        quantity,
        _cents(item.amount),
    ]


def _notice_line(notice: Notice) -> Line:
    bill = notice.bill
    return [notice.id, bill.customer.id, bill.number, _day(notice.day), str(notice.level), _cents(notice.fee)]


def _top_up_line(one: TopUp) -> Line:
    product = one.product
    return [one.id, product.customer.id, product.id, stamp(one.at), _cents(one.amount), one.channel, one.voucher or ""]


def _cents(cents: int) -> str:
    return str(Decimal(cents).scaleb(-2).quantize(Decimal("0.01"))).replace(".", ",")


def _day(day: date) -> str:
    return f"{day:%d.%m.%Y}"
