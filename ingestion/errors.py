"""The errors that a person who runs an ingestion can meet."""


class IngestError(Exception):
    """Something a person has to look at; the text says what happened and what to do next."""


class SourceUnavailableError(IngestError):
    """A source could not be reached or did not let us in. Nothing was landed; run again later."""


class LoadRefusedError(IngestError):
    """A load was refused whole because it does not look like its source. Nothing was landed."""


class RunInProgressError(IngestError):
    """Another run of the same source holds its lock."""
