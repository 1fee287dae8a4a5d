"""An S3 of one's own on loopback (moto's server), for tests: `with running() as address: ...`.

It is a process of its own, which ends when its standard input does: it outlives nobody.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from standin.errors import StandinError
from standin.settings import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOP_SECONDS = 10
# moto accepts any; boto3 insists on some
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@dataclass(frozen=True)
class LocalS3:
    """A running local S3."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """The AWS variables that lead a program to it."""
        return {"AWS_ENDPOINT_URL": self.endpoint, **_CREDENTIALS}

    def client(self) -> Any:
        """A boto3 client on it."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=_CREDENTIALS["AWS_DEFAULT_REGION"],
        )

    def make_bucket(self, name: str) -> Bucket:
        """A new, empty bucket."""
        client = self.client()
        region = _CREDENTIALS["AWS_DEFAULT_REGION"]
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        return Bucket(self, name, client)


@dataclass(frozen=True)
class Bucket:
    """A bucket, and the little that most tests want of it; for everything else there is `client`."""

    s3: LocalS3
    name: str
    client: Any

    @property
    def url(self) -> str:
        """Its `s3://` address, without a slash at the end."""
        return f"s3://{self.name}"

    @property
    def endpoint(self) -> str:
        """Where the server listens."""
        return self.s3.endpoint

    def put(self, key: str, content: bytes) -> str:
        """Store an object; gives back its address."""
        self.client.put_object(Bucket=self.name, Key=key, Body=content)
        return f"{self.url}/{key}"

    def get(self, key: str) -> bytes:
        """The content of an object."""
        content: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def keys(self, prefix: str = "") -> list[str]:
        """The keys that begin so, in order."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


@contextmanager
def running() -> Iterator[LocalS3]:
    """A local S3 for the block. Raises `StandinError` if it cannot be started, moto not being installed for one."""
    process = subprocess.Popen(
        [sys.executable, "-m", "standin.local_s3"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # both pipes are there because we asked for them
    with process:
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                raise StandinError(
                    "The local S3 did not start. It needs moto's server: install the packages moto[s3] and flask-cors, "
                    "as the project's `demo` extra does."
                )
            yield LocalS3(f"http://{LOOPBACK}:{json.loads(line)['port']}")
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _main() -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address=LOOPBACK, port=0, verbose=False)
    server.start()
    sys.stdout.write(json.dumps({"port": server.get_host_and_port()[1]}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    _main()
