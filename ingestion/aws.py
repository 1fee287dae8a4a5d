"""Clients for AWS, or for a server that speaks like it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ingestion.config import optional_setting, setting
from ingestion.errors import SourceUnavailableError

ATTEMPTS = 5
"""How often a client tries before it gives up."""


def client(source: str, service: str, config: Any = None) -> Any:
    """A boto3 client with the source's settings; without keys of its own it uses AWS's usual chain of credentials.

    It tries again by itself, with a pause that grows, whatever fails before an answer has begun.

    Args:
        source: whose settings to use.
        service: which of AWS's.
        config: botocore's, for who wants other patience.
    """
    import boto3
    from botocore.config import Config

    usual = Config(retries={"mode": "standard", "max_attempts": ATTEMPTS}, connect_timeout=10, read_timeout=60)
    return boto3.client(
        service,
        region_name=setting(source, "region"),
        endpoint_url=optional_setting(source, "endpoint_url"),
        aws_access_key_id=optional_setting(source, "aws_access_key_id"),
        aws_secret_access_key=optional_setting(source, "aws_secret_access_key"),
        config=config or usual,
    )


@contextmanager
def named_errors(source: str, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turns the errors of AWS into ours, with the source's name.

    Args:
        source: name of the source.
        but: errors that stay as they are.

    Raises:
        SourceUnavailableError: AWS could not be reached or refused us.
    """
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    try:
        yield
    except but:
        raise
    except (BotoCoreError, ClientError, HTTPClientError) as error:
        raise SourceUnavailableError(f"{source}: AWS: {failure(error)}; see sources.{source}") from error


def error_code(error: BaseException) -> str:
    """AWS's name for a refusal, such as `NoSuchKey`; empty if AWS did not answer."""
    answer: Any = getattr(error, "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""


def is_passing(error: BaseException) -> bool:
    """Whether an answer broke off that had begun; what fails before that, the client has tried again by itself."""
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    return isinstance(error, HTTPClientError | IncompleteReadError)


def failure(error: BaseException) -> str:
    """An error of AWS in one line. Neither the secret key nor a signature is ever part of one."""
    return " ".join(str(error).split())
