"""Clients for AWS, or for a server that speaks like it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ingestion.config import optional_setting, setting
from ingestion.errors import SourceUnavailableError


def client(source: str, service: str) -> Any:
    """A boto3 client with the source's settings; without keys of its own it uses AWS's usual chain of credentials."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        service,
        region_name=setting(source, "region"),
        endpoint_url=optional_setting(source, "endpoint_url"),
        aws_access_key_id=optional_setting(source, "aws_access_key_id"),
        aws_secret_access_key=optional_setting(source, "aws_secret_access_key"),
        config=Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10, read_timeout=60),
    )


@contextmanager
def named_errors(source: str) -> Iterator[None]:
    """Turns the errors of AWS into ours, with the source's name.

    Raises:
        SourceUnavailableError: AWS could not be reached or refused us.
    """
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    try:
        yield
    except (BotoCoreError, ClientError, HTTPClientError) as error:
        raise SourceUnavailableError(f"{source}: AWS: {error}; see sources.{source}") from error
