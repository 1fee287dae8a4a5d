"""What a client says of itself when it comes in, and what Postgres is told instead."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from standin.redshift.dialect.session import PARAMETERS
from standin.redshift.protocol import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Redshift's drivers introduce themselves; Postgres would refuse the connection over any of these. Nobody answers to
# client_protocol_version with a server_protocol_version, so they read numbers and dates as text, to the same values:
# Redshift's binary numerics have their scale in the column's type, and Postgres' sums and quotients have none there.
_DRIVER_PARAMETERS = frozenset(
    {
        "client_protocol_version",
        "driver_discovery_version",
        "driver_os_version",
        "driver_version",
        "identity_namespace",
        "idp_type",
        "os_version",
        "plugin_name",
        "provider_name",
        "token_type",
    }
)
# A session on Redshift: backslashes escape in strings, 15 digits of a float, UTC.
# Source: Redshift's "Amazon Redshift and PostgreSQL" and "Configuration reference".
_SESSION = {
    "standard_conforming_strings": "off",
    "backslash_quote": "on",
    "escape_string_warning": "off",
    "timezone": "UTC",
    "extra_float_digits": "0",
}
_BOOLEANS = {"true": "on", "on": "on", "yes": "on", "1": "on", "false": "off", "off": "off", "no": "off", "0": "off"}


def backend_parameters(client: Mapping[str, str]) -> dict[str, str]:
    """The start-up parameters for Postgres, from those of a Redshift client.

    What only Redshift's drivers send is left out, Redshift's own settings get the name under which Postgres keeps them
    (`redshift.query_group`), and what the client sets itself beats the defaults of a session on Redshift. Raises
    `ProtocolError` for options that make no sense.
    """
    parameters = dict(_SESSION)
    for name, value in client.items():
        folded = name.lower()
        if folded == "options":
            parameters.update(_setting(*pair) for pair in _options(value))
        elif folded not in _DRIVER_PARAMETERS:
            parameters.update([_setting(name, value)])
    if not parameters.get("database"):
        parameters["database"] = parameters.get("user", "")
    return parameters


def _setting(name: str, value: str) -> tuple[str, str]:
    folded = name.lower()
    if folded in PARAMETERS:
        return f"redshift.{folded}", _BOOLEANS.get(value.lower(), value)
    return (folded if folded in _SESSION else name), value


def _options(text: str) -> Iterator[tuple[str, str]]:
    """The settings in a command line as `-c name=value --name=value`, blanks in values escaped by a backslash."""
    try:
        words = iter(shlex.split(text))
    except ValueError as error:
        raise ProtocolError(f"the start-up options make no sense: {error}") from error
    for word in words:
        setting = next(words, "") if word == "-c" else word.removeprefix("--" if word.startswith("--") else "-c")
        name, equals, value = setting.partition("=")
        if setting == word or not equals or not name:
            raise ProtocolError(f"the start-up options hold {word!r}; only -c name=value is understood")
        yield name.replace("-", "_"), value
