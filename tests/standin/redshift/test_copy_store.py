"""Objects in S3 are read to their end, whatever happens to the connection, and written whole or not at all."""

from __future__ import annotations

import io
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pytest
from pyarrow import parquet

from standin.redshift.dialect.statement import DialectError
from standin.redshift.s3 import columnar
from standin.redshift.s3.commands import Credentials
from standin.redshift.s3.store import PART_BYTES, Place, Store, StoredObject

CONTENT = b"".join(b"%07d," % number for number in range(37_500))


@pytest.fixture
def store(local_s3, monkeypatch):
    for name, value in local_s3.environment.items():
        monkeypatch.setenv(name, value)
    return Store(Credentials(), None)


class Failing(BaseHTTPRequestHandler):
    """Serves an object, and breaks off in the middle of the first answers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "bytes=0-"))
        content = CONTENT[int(asked[1]) :]
        self.server.asked.append(int(asked[1]))
        breaks = len(self.server.asked) <= self.server.failures
        self.send_response(206)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:70_000] if breaks else content)
        if breaks:
            self.close_connection = True

    def log_message(self, *arguments):
        """Not into the test's output."""


@pytest.fixture
def failing(monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Failing) as server:
        server.asked, server.failures = [], 3
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_broken_connection_is_made_again_where_it_broke(failing):
    file = Store(Credentials(), None).stream(StoredObject(Place("bucket", "key"), len(CONTENT)))
    assert b"".join(iter(lambda: file.read(50_000), b"")) == CONTENT
    assert failing.asked[0] == 0
    assert len(failing.asked) == 4
    assert failing.asked == sorted(set(failing.asked))


def test_an_object_that_became_shorter(failing):
    failing.failures = 0
    file = Store(Credentials(), None).stream(StoredObject(Place("bucket", "key"), len(CONTENT) + 1))
    with pytest.raises(DialectError):
        b"".join(iter(lambda: file.read(100_000), b""))


def test_parquet_is_read_where_its_footer_points_to(store, s3):
    content = io.BytesIO()
    table = pa.table({"a": pa.array(range(50_000), pa.int64()), "b": [f"row {row}" for row in range(50_000)]})
    parquet.write_table(table, content, row_group_size=20_000)
    s3.put("file", content.getvalue())
    stored = store.find(Place(s3.name, "file"))
    assert stored.size == len(content.getvalue())
    found = list(columnar.batches(store.open(stored, at_once=0), "parquet", 2, "file"))
    assert [value for batch in found for value in batch[0].to_pylist()] == list(range(50_000))


def test_an_upload_of_several_parts(store, s3):
    content = CONTENT * (PART_BYTES * 2 // len(CONTENT) + 1)
    upload = store.upload(Place(s3.name, "parts"), {})
    for at in range(0, len(content), 3_000_000):
        upload.write(content[at : at + 3_000_000])
    assert s3.keys() == []
    upload.finish()
    assert upload.size == len(content)
    assert s3.get("parts") == content


def test_an_upload_that_is_given_up(store, s3):
    upload = store.upload(Place(s3.name, "never"), {})
    upload.write(bytes(PART_BYTES + 1))
    upload.abort()
    assert s3.keys() == []
    assert "Uploads" not in s3.client.list_multipart_uploads(Bucket=s3.name)
