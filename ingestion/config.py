"""Settings, as dlt looks them up: the environment, then `.dlt/secrets.toml`, then `.dlt/config.toml`."""

from __future__ import annotations

from ingestion.errors import IngestError


def setting(source: str, key: str) -> str:
    """The setting `sources.<source>.<key>`.

    Raises:
        IngestError: it is set nowhere.
    """
    value = optional_setting(source, key)
    if value is None:
        variable = f"SOURCES__{source}__{key}".upper()
        raise IngestError(
            f"{source} needs the setting {key!r}: set {variable}, "
            f"or {key} under [sources.{source}] in .dlt/config.toml (.dlt/secrets.toml for secrets)"
        )
    return value


def optional_setting(source: str, key: str) -> str | None:
    """The setting `sources.<source>.<key>`, or None."""
    value = configured(f"sources.{source}.{key}")
    return None if value is None else str(value)


def configured(path: str) -> object:
    """Whatever is set under a dotted path, or None; text if it comes from the environment, TOML's types from a file."""
    import dlt

    value: object = dlt.secrets.get(path)
    return dlt.config.get(path) if value is None else value
