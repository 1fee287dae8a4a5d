"""OAuth 2.0 client credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pendulum
import requests
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials

from ingestion.errors import SourceUnavailableError
from ingestion.transports.http_session import refuse_failed, session_for
from ingestion.transports.patience import Patience


class ClientCredentials(OAuth2ClientCredentials):
    """Dlt's client credentials, over a session of ours: with patience and limits, and errors that tell no secrets."""

    source: str = ""

    @classmethod
    def of(
        cls,
        source: str,
        *,
        token_url: str,
        client_id: str,
        client_secret: str,
        data: Mapping[str, str],
        patience: Patience,
    ) -> ClientCredentials:
        """Credentials that have no token yet."""
        made = cls(
            access_token_url=token_url,
            client_id=client_id,
            client_secret=client_secret,
            access_token_request_data=dict(data),
            session=session_for(source, token_url, patience=patience),
        )
        made.source = source
        return made

    def obtain_token(self) -> None:
        """Asks for a token.

        Raises:
            SourceUnavailableError: the token service cannot be reached, refuses us, or answers something else.
        """
        answer: requests.Response = self.session.post(self.access_token_url, **self.build_access_token_request())
        refuse_failed(self.source, answer, "client_secret")
        token: Any = answer.json()
        if not isinstance(token, dict) or not token.get("access_token"):
            raise SourceUnavailableError(f"{self.source}: the token service answered without an access_token")
        self.access_token = str(token["access_token"])
        self.token_expiry = pendulum.now().add(seconds=self.parse_expiration_in_seconds(token))
