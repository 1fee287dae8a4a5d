"""The errors that a person who runs an ingestion can meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion.landing import Report


class IngestError(Exception):
    """Something a person has to look at; the text says what happened and what to do next."""

    report: Report | None = None
    """What had landed before, if a run had begun."""


class SourceUnavailableError(IngestError):
    """A source could not be reached, broke off, or did not let us in. Run again later."""


class LoadRefusedError(IngestError):
    """A load was refused whole because it does not look like its source. Nothing of it was landed."""


class UnreadableDeliveryError(IngestError):
    """Some of what a source handed over cannot be read, and was set aside. The rest has landed."""


class RunInProgressError(IngestError):
    """Another run of the same source holds its lock, or a consumer its stream."""


class RecordsLostError(IngestError):
    """A stream no longer has records that nobody has landed. What is lost, only a person can decide to live with."""


class WarehouseUnavailableError(IngestError):
    """The warehouse cannot be reached, or broke off what was under way; that has not landed. Run again later."""
