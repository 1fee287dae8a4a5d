"""The failures of COPY and UNLOAD, as the client is told of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from standin.redshift.dialect.statement import DialectError

SYNTAX_ERROR = "42601"
NOT_SUPPORTED = "0A000"
INTERNAL = "XX000"
CANCELLED = "57014"


def failure(message: str, sqlstate: str = INTERNAL, hint: str | None = None) -> DialectError:
    """The error to raise. XX000 is what Redshift gives for nearly everything that goes wrong in COPY and UNLOAD."""
    # the dialect imports this package, hence not at the top
    from standin.redshift.dialect.statement import DialectError

    return DialectError(message, sqlstate=sqlstate, hint=hint)


def unsupported(feature: str) -> DialectError:
    """The refusal of something that this stand-in does not do, by its name."""
    return failure(f"{feature} is not supported", NOT_SUPPORTED)


def cancelled(pid: int) -> DialectError:
    """The client, or the server on its way down, cancelled the statement."""
    return failure(f"Query ({pid}) cancelled on user's request", CANCELLED)


def storage_failure(error: Exception, place: str) -> DialectError:
    """What S3 answered, in Redshift's words, without the keys that may stand in the answer.

    Args:
        error: an exception of botocore.
        place: bucket, or bucket and key, for the person who reads it.
    """
    from botocore.exceptions import ClientError

    if not isinstance(error, ClientError):
        # texts of botocore name endpoint and cause; credentials stand in none of them
        return failure(f"S3ServiceException: {type(error).__name__}: {redacted(str(error))}, {place}")
    answer = error.response
    code = answer.get("Error", {}).get("Code", "Unknown")
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = redacted(answer.get("Error", {}).get("Message", ""))
    if code == "NoSuchBucket":
        return failure(f"S3ServiceException:The specified bucket does not exist,Status {status},Error {code},{place}")
    return failure(f"S3ServiceException:{text},Status {status},Error {code},{place}")


_KEY = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b|(?:Signature|Credential|Token)=[^\s,&]+", re.IGNORECASE)


def redacted(text: str) -> str:
    """The text without anything that looks like a key or a signature."""
    return _KEY.sub("***", text)
