"""The keys of the pseudonyms that analysts see, in the table `privacy.pseudonym_keys` (docs/privacy.md).

They are random, and handed to the warehouse as parameters: in no statement's text, no log and no artefact of ours.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ingestion.errors import IngestError
from ingestion.privacy.requests import make_table

if TYPE_CHECKING:
    from ingestion.warehouse import Connection

KEY_BYTES = 32
"""Of each of the two keys; as hexadecimal digits they fill one block of SHA-256."""


def make_key(connection: Connection, *, replace: bool = False) -> None:
    """Makes the keys, in one transaction with the table if that is missing, too.

    Args:
        connection: not in a transaction.
        replace: there are keys, and new ones take their place: no pseudonym of today is any of tomorrow's.

    Raises:
        IngestError: there are keys, and they are not to be replaced.
    """
    with connection.transaction():
        # as the macro create_pseudonym_key makes it
        columns = "inner_key varchar(64) not null, outer_key varchar(64) not null, made_at timestamp not null"
        make_table(connection, "pseudonym_keys", columns)
        connection.execute("lock table privacy.pseudonym_keys")
        (count,) = connection.execute("select count(*) from privacy.pseudonym_keys").fetchone()
        if count and not replace:
            raise IngestError(
                "there are keys of pseudonyms already; with --replace new ones take their place,"
                " and every pseudonym changes"
            )
        connection.execute("delete from privacy.pseudonym_keys")
        connection.execute(
            "insert into privacy.pseudonym_keys (inner_key, outer_key, made_at) values (%s, %s, %s)",
            (
                secrets.token_hex(KEY_BYTES),
                secrets.token_hex(KEY_BYTES),
                datetime.now(UTC).replace(tzinfo=None),
            ),
        )
