"""Reads everything an operator serves, with the clients that a real consumer would use.

A reading is a list of `Batch`: what one file, object, shard, collection or window held, as rows of column -> value
with the names of the raw tables; a row that could not even be parsed is `None`.
"""

from __future__ import annotations

import asyncio
import base64
import csv
import gzip
import io
import json
import tarfile
import urllib.parse
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncssh
import boto3
import pyarrow.parquet as pq
import requests
import zeep
from botocore.config import Config

Row = dict[str, Any]
Environment = dict[str, str]


@dataclass
class Batch:
    """What one delivery held; `version` is its ETag, or its size and time of modification."""

    source: str
    resource: str
    uri: str
    rows: list[Row | None]
    version: str = ""


# --- CRM ------------------------------------------------------------------------------------------------

CRM = {
    "customers": ("ListCustomers", "customer"),
    "contact_media": ("ListContactMedia", "contactMedium"),
    "consents": ("ListConsents", "consent"),
}


def crm_client(env: Environment, password: str | None = None) -> zeep.Client:
    session = requests.Session()
    session.trust_env = False
    session.auth = (env["SOURCES__CRM__USERNAME"], password or env["SOURCES__CRM__PASSWORD"])
    return zeep.Client(env["SOURCES__CRM__WSDL_URL"], transport=zeep.Transport(session=session, timeout=10))


def read_crm(env: Environment, since: datetime | None = None, page_size: int = 50) -> tuple[list[Batch], datetime]:
    client = crm_client(env)
    batches, as_of = [], None
    for resource, (operation, element) in CRM.items():
        rows: list[Row | None] = []
        token = None
        while True:
            answer = client.service[operation](modifiedSince=since, pageToken=token, pageSize=page_size)
            assert as_of in (None, answer.asOf)
            as_of = answer.asOf
            records = zeep.helpers.serialize_object(answer)[element] or []
            assert len(records) <= page_size
            rows += [{_snake(name): value for name, value in record.items()} for record in records]
            token = answer.nextPageToken
            if token is None:
                break
        batches.append(Batch("crm", resource, operation, rows))
    assert as_of is not None
    return batches, as_of


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


# --- billing ---------------------------------------------------------------------------------------------


def sftp_options(env: Environment, **changes: Any) -> dict[str, Any]:
    return {
        "host": env["SOURCES__BILLING__HOST"],
        "port": int(env["SOURCES__BILLING__PORT"]),
        "username": env["SOURCES__BILLING__USERNAME"],
        "password": env["SOURCES__BILLING__PASSWORD"],
        "known_hosts": env["SOURCES__BILLING__KNOWN_HOSTS"],
        "config": None,
        "client_keys": None,
        "agent_path": None,
        **changes,
    }


def read_billing(env: Environment) -> list[Batch]:
    async def fetch() -> list[tuple[str, bytes, str]]:
        found = []
        async with asyncssh.connect(**sftp_options(env)) as connection, connection.start_sftp_client() as sftp:
            folder = env["SOURCES__BILLING__FOLDER"]
            for resource in sorted(await sftp.listdir(folder)):
                if resource.startswith("."):
                    continue
                for entry in sorted(await sftp.readdir(f"{folder}/{resource}"), key=lambda entry: str(entry.filename)):
                    if str(entry.filename).startswith("."):
                        continue
                    path = f"{folder}/{resource}/{entry.filename}"
                    async with sftp.open(path, "rb") as file:
                        found.append((path, await file.read(), f"{entry.attrs.size}/{entry.attrs.mtime}"))
        return found

    batches = []
    for path, content, version in asyncio.run(fetch()):
        text = gzip.decompress(content).decode("iso-8859-15")
        assert text.endswith("\r\n")
        header, *lines = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
        rows = [_billing_row(header, line) for line in lines]
        batches.append(Batch("billing", path.split("/")[2], path, rows, version))
    return batches


def _billing_row(header: list[str], line: list[str]) -> Row | None:
    if len(line) != len(header):
        return None
    row: Row = {}
    for column, value in zip(header, line, strict=True):
        row[column] = value or None
        if value and column != "top_up_date" and (column.endswith("_date") or column in ("period_start", "period_end")):
            day, month, year = value.split(".") if value.count(".") == 2 else ("", "", value)
            row[column] = f"{year}-{month}-{day}"
        elif value and column in ("amount_due", "tax_amount", "amount", "quantity", "fee_amount"):
            row[column] = value.replace(",", ".") if value.count(",") == 1 else value
        elif column == "level" and value:
            row[column] = int(value)
    return row


# --- catalogue -------------------------------------------------------------------------------------------

PATHS = {
    "product_offerings": "/tmf-api/productCatalogManagement/v4/productOffering",
    "products": "/tmf-api/productInventory/v4/product",
    "product_orders": "/tmf-api/productOrderingManagement/v4/productOrder",
}


def get(env: Environment, path: str, headers: dict[str, str] | None = None) -> requests.Response:
    session = requests.Session()
    session.trust_env = False
    source = "ORDERS" if "productOrdering" in path else "CATALOG"
    address = path if path.startswith("http") else env[f"SOURCES__{source}__BASE_URL"] + path
    token = {"Authorization": f"Bearer {env[f'SOURCES__{source}__TOKEN']}"}
    return session.get(address, headers={**token, **(headers or {})}, timeout=10)


def _collection(env: Environment, path: str, limit: int) -> tuple[list[dict[str, Any]], str]:
    """All entries, and their ETag."""
    entries: list[dict[str, Any]] = []
    tags = set()
    address: str | None = f"{path}?offset=0&limit={limit}"
    while address:
        page = get(env, address)
        assert page.status_code == 200
        assert len(page.json()) == int(page.headers["X-Result-Count"])
        entries += page.json()
        tags.add(page.headers["ETag"])
        address = page.links.get("next", {}).get("url")
    assert len(entries) == int(page.headers["X-Total-Count"])
    assert len(tags) == 1
    return entries, page.headers["ETag"].strip('"')


def read_catalog(env: Environment, limit: int = 40) -> list[Batch]:
    batches = []
    for resource, flat in (("product_offerings", _offering), ("products", _product)):
        entries, tag = _collection(env, PATHS[resource], limit)
        batches.append(Batch("catalog", resource, PATHS[resource], [flat(entry) for entry in entries], tag))
    return batches


def read_orders(env: Environment, limit: int = 90) -> list[Batch]:
    path = PATHS["product_orders"]
    entries, tag = _collection(env, path, limit)
    items = [_order_item(entry, item) for entry in entries for item in entry.get("productOrderItem", [])]
    return [
        Batch("orders", "product_orders", path, [_order(entry) for entry in entries], tag),
        Batch("orders", "product_order_items", path, items, tag),
    ]


def _price(entry: dict[str, Any], field: str, kind: str) -> dict[str, Any]:
    found = [p["price"]["taxIncludedAmount"] for p in entry.get(field, []) if p["priceType"] == kind]
    return found[0] if found else {"unit": None, "value": None}


def _offering(entry: dict[str, Any]) -> Row:
    recurring, once = (_price(entry, "productOfferingPrice", kind) for kind in ("recurring", "oneTime"))
    return {
        "product_offering_id": entry.get("id"),
        "name": entry.get("name"),
        "category": entry["category"][0]["name"],
        "lifecycle_status": entry["lifecycleStatus"],
        "is_bundle": entry["isBundle"],
        "valid_from": entry["validFor"]["startDateTime"],
        "valid_to": entry["validFor"].get("endDateTime"),
        "recurring_price_amount": recurring["value"],
        "one_time_price_amount": once["value"],
        "currency": recurring["unit"] or once["unit"],
        "last_update": entry["lastUpdate"],
    }


def _customer(entry: dict[str, Any]) -> str | None:
    return next((party["id"] for party in entry.get("relatedParty", []) if party["role"] == "customer"), None)


def _contact(entry: dict[str, Any]) -> Row:
    """How somebody who is not named can be reached."""
    ways = {way["contactType"]: way for way in entry.get("relatedContactInformation", [])}
    return {
        "customer_id": _customer(entry),
        "email_address": ways.get("email", {}).get("emailAddress"),
        "phone_number": ways.get("phone", {}).get("phoneNumber"),
    }


def _order(entry: dict[str, Any]) -> Row:
    return {
        "product_order_id": entry["id"],
        **_contact(entry),
        "order_date": entry["orderDate"],
        "channel": entry["channel"][0]["name"],
        "state": entry["state"],
        "completion_date": entry.get("completionDate"),
        "last_update": entry["lastUpdate"],
        "external_id": entry.get("externalId"),
    }


def _order_item(order: dict[str, Any], item: dict[str, Any]) -> Row:
    recurring, once = (_price(item, "itemPrice", kind) for kind in ("recurring", "oneTime"))
    return {
        "product_order_item_id": item["id"],
        "product_order_id": order["id"],
        "product_id": item.get("product", {}).get("id"),
        "product_offering_id": item.get("productOffering", {}).get("id"),
        "action": item["action"],
        "quantity": item["quantity"],
        "recurring_price_amount": recurring["value"],
        "one_time_price_amount": once["value"],
    }


def _product(entry: dict[str, Any]) -> Row:
    recurring = _price(entry, "productPrice", "recurring")
    return {
        "product_id": entry.get("id"),
        "customer_id": _customer(entry),
        "product_offering_id": entry["productOffering"]["id"],
        "name": entry["name"],
        "status": entry["status"],
        "start_date": entry["startDate"],
        "termination_date": entry.get("terminationDate"),
        "msisdn": next((c["value"] for c in entry["productCharacteristic"] if c["name"] == "msisdn"), None),
        "recurring_price_amount": recurring["value"],
        "currency": recurring["unit"],
    }


# --- S3 through SQS --------------------------------------------------------------------------------------


def aws(env: Environment, source: str, service: str) -> Any:
    name = f"SOURCES__{source.upper()}__"
    return boto3.session.Session(
        env[name + "AWS_ACCESS_KEY_ID"], env[name + "AWS_SECRET_ACCESS_KEY"], region_name=env[name + "REGION"]
    ).client(service, endpoint_url=env[name + "ENDPOINT_URL"], config=Config(proxies={}))


def notifications(env: Environment, source: str) -> list[tuple[str, str]]:
    """Every (bucket, key) in the queue, in order of arrival, repeats included; the queue is empty afterwards."""
    sqs = aws(env, source, "sqs")
    queue = sqs.get_queue_url(QueueName=env[f"SOURCES__{source.upper()}__QUEUE"])["QueueUrl"]
    found = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        for message in messages:
            for record in json.loads(message["Body"]).get("Records", []):
                assert record["eventName"].startswith("ObjectCreated:")
                found.append((record["s3"]["bucket"]["name"], urllib.parse.unquote_plus(record["s3"]["object"]["key"])))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


def read_objects(env: Environment, source: str, announced: list[tuple[str, str]]) -> list[Batch]:
    s3 = aws(env, source, "s3")
    batches = []
    for bucket, key in sorted(set(announced)):
        answer = s3.get_object(Bucket=bucket, Key=key)
        content = answer["Body"].read()
        resource, rows = READERS[source](key, content)
        batches.append(Batch(source, resource, key, rows, f"{answer['ETag']}/{answer['LastModified']:%Y-%m-%dT%H:%M}"))
    return batches


def _recommendations(_: str, content: bytes) -> tuple[str, list[Row | None]]:
    rows = pq.read_table(io.BytesIO(content)).to_pylist()
    return "product_recommendations", [{**row, "recommended_at": row["recommended_at"].isoformat()} for row in rows]


def _usage(_: str, content: bytes) -> tuple[str, list[Row | None]]:
    rows: list[Row | None] = []
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        assert archive.getnames() == ["part-0.parquet", "part-1.parquet"]
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            for row in pq.read_table(io.BytesIO(file.read())).to_pylist():
                at = row["usage_date"]
                rows.append({**row, "usage_date": at and at.astimezone(UTC).isoformat()})
    return "usage", rows


def _contacts(key: str, content: bytes) -> tuple[str, list[Row | None]]:
    resource, flat = {
        "interactions": ("party_interactions", _interaction),
        "tickets": ("trouble_tickets", _ticket),
        "surveys": ("survey_responses", _response),
    }[key.partition("/")[0]]
    return resource, [flat(entry) if (entry := _parsed(line)) else None for line in content.splitlines()]


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        parsed: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return parsed


def _interaction(entry: dict[str, Any]) -> Row:
    return {
        "party_interaction_id": entry.get("id"),
        **_contact(entry),
        "direction": entry["direction"],
        "channel": entry["channel"][0]["name"],
        "start_date_time": entry["interactionDate"]["startDateTime"],
        "end_date_time": entry["interactionDate"].get("endDateTime"),
    }


def _response(entry: dict[str, Any]) -> Row:
    return {
        "survey_response_id": entry.get("id"),
        "customer_id": _customer(entry),
        "survey": entry["survey"],
        "score": entry["score"],
        "comment": entry.get("comment"),
        "channel": entry["channel"]["name"],
        "responded_at": entry["responseDate"],
        "related_party_interaction_id": entry.get("relatedPartyInteraction", {}).get("id"),
    }


def _ticket(entry: dict[str, Any]) -> Row:
    return {
        "trouble_ticket_id": entry.get("id"),
        "customer_id": _customer(entry),
        "severity": entry["severity"],
        "status": entry["status"],
        "creation_date": entry["creationDate"],
        "resolution_date": entry.get("resolutionDate"),
        "last_update": entry["lastUpdate"],
    }


READERS = {"usage": _usage, "contacts": _contacts, "recommendations": _recommendations}


# --- events ----------------------------------------------------------------------------------------------


def read_events(env: Environment, after: dict[str, str] | None = None) -> tuple[list[Batch], dict[str, str]]:
    """Every record behind the given sequence numbers by shard, and where each shard now stands."""
    kinesis = aws(env, "events", "kinesis")
    stream = env["SOURCES__EVENTS__STREAM"]
    batches, reached = [], dict(after or {})
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        name = shard["ShardId"]
        start = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": reached[name]}
            if name in reached
            else {"ShardIteratorType": "TRIM_HORIZON"}
        )
        iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=name, **start)["ShardIterator"]
        rows: list[Row | None] = []
        raw = []
        while records := (answer := kinesis.get_records(ShardIterator=iterator, Limit=300))["Records"]:
            for record in records:
                rows.append(_parsed(record["Data"]))
                raw.append(f"{record['SequenceNumber']} {base64.b64encode(record['Data']).decode()}")
                if rows[-1] and rows[-1].get("device_id"):
                    assert record["PartitionKey"] == rows[-1]["device_id"]
            reached[name] = records[-1]["SequenceNumber"]
            iterator = answer["NextShardIterator"]
        batches.append(Batch("events", "events", name, rows, "\n".join(raw)))
    return batches, reached


def amount(value: Any) -> Decimal:
    return Decimal(str(value))
