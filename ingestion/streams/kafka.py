"""What librdkafka has to know to reach a cluster."""

from __future__ import annotations

from typing import Any

from ingestion.config import optional_setting, setting

_OPTIONAL = {
    "security_protocol": "security.protocol",
    "sasl_mechanism": "sasl.mechanism",
    "sasl_username": "sasl.username",
    "sasl_password": "sasl.password",
    "ssl_ca_location": "ssl.ca.location",
}


def connection(source: str) -> dict[str, Any]:
    """The properties that lead to the cluster of a source.

    Settings: `bootstrap_servers`, and for a cluster that asks who comes `security_protocol`, `sasl_mechanism`,
    `sasl_username`, `sasl_password`, `ssl_ca_location`.

    Raises:
        IngestError: `bootstrap_servers` is set nowhere.
    """
    found = {name: optional_setting(source, key) for key, name in _OPTIONAL.items()}
    return {
        "bootstrap.servers": setting(source, "bootstrap_servers"),
        "reconnect.backoff.max.ms": 1_000,
        **{name: value for name, value in found.items() if value is not None},
    }
