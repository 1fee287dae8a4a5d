"""How an HTTP API is told who we are. The secrets themselves are settings of the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from ingestion.config import optional_setting, setting
from ingestion.transports.patience import PATIENT, Patience

if TYPE_CHECKING:
    from requests import PreparedRequest
    from requests.auth import AuthBase


class Auth(Protocol):
    """A way to identify ourselves."""

    @property
    def blamed(self) -> str:
        """The setting that is wrong when we are not let in."""
        ...

    def of(self, source: str) -> AuthBase | None:
        """What puts it on a request, with the source's settings."""
        ...


@dataclass(frozen=True)
class NoAuth:
    """Everybody is let in."""

    blamed: str = "base_url"

    def of(self, source: str) -> AuthBase | None:
        """Nothing is put on a request."""
        return None


@dataclass(frozen=True)
class Bearer:
    """A token that somebody has given us. Setting: `token`."""

    blamed: str = "token"

    def of(self, source: str) -> AuthBase | None:
        """Puts `Authorization: Bearer ...` on a request."""
        from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

        return BearerTokenAuth(setting(source, self.blamed))


@dataclass(frozen=True)
class Basic:
    """A user name and a password. Settings: `username`, `password`."""

    blamed: str = "password"

    def of(self, source: str) -> AuthBase | None:
        """Puts `Authorization: Basic ...` on a request."""
        from dlt.sources.helpers.rest_client.auth import HttpBasicAuth

        return HttpBasicAuth(setting(source, "username"), setting(source, self.blamed))


@dataclass(frozen=True)
class ApiKey:
    """A key in a header, or in the query where the API has it so. Setting: `api_key`.

    Attributes:
        name: of the header or the parameter.
        location: where it goes. A query is seen by every server in between and stands in their logs: prefer a header.
        blamed: the setting.
    """

    name: str = "X-API-Key"
    location: Literal["header", "query"] = "header"
    blamed: str = "api_key"

    def of(self, source: str) -> AuthBase | None:
        """Puts the key on a request."""
        from dlt.sources.helpers.rest_client.auth import APIKeyAuth

        return APIKeyAuth(name=self.name, api_key=setting(source, self.blamed), location=self.location)


@dataclass(frozen=True)
class OAuth2:
    """Client credentials for a token that lasts a while, and is renewed when it has run out or is refused.

    Settings: `token_url`, `client_id`, `client_secret`, and optionally `scope`.

    Attributes:
        more: further fields of the token request, such as an audience.
        blamed: the setting.
        patience: with the token service.
    """

    more: Mapping[str, str] = field(default_factory=dict)
    blamed: str = "client_secret"
    patience: Patience = PATIENT

    def of(self, source: str) -> AuthBase | None:
        """Puts `Authorization: Bearer ...` on a request, having asked for the token."""
        from ingestion.transports.oauth2 import ClientCredentials

        scope = optional_setting(source, "scope")
        return ClientCredentials.of(
            source,
            token_url=setting(source, "token_url"),
            client_id=setting(source, "client_id"),
            client_secret=setting(source, self.blamed),
            data={**({"scope": scope} if scope else {}), **self.more},
            patience=self.patience,
        )


def renew(auth: AuthBase | None, request: PreparedRequest) -> bool:
    """Puts a new token on a request that was refused; false where there is none to be had."""
    from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials

    if not isinstance(auth, OAuth2ClientCredentials):
        return False
    auth.access_token = None
    auth(request)
    return True
