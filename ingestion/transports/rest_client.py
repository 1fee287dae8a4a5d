"""dlt's REST client, strict about what an answer looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import BasePaginator

from ingestion.errors import IngestError
from ingestion.transports.http_session import without_query

if TYPE_CHECKING:
    from requests import Request, Response

    from ingestion.transports.paging import Offsets


class StrictClient(RESTClient):
    """Takes the list of records from where it is declared to be.

    dlt's takes an answer that has nothing there for an empty page, and the collection for read.
    """

    def extract_response(self, response: Response, data_selector: Any) -> list[Any]:
        """The records of a page.

        Raises:
            IngestError: the answer is not JSON, or has no list there.
        """
        found = at_path(str(data_selector), response.json())
        if len(found) != 1 or not isinstance(found[0], list):
            raise IngestError(f"{without_query(response.url)} answered without a list of records at {data_selector!r}")
        return found[0]


class OffsetPages(BasePaginator):
    """Goes on after the records that came.

    dlt's goes on after those that were asked for, and steps over what a server with a smaller limit has left out.
    """

    def __init__(self, offsets: Offsets) -> None:
        super().__init__()
        self._offsets = offsets
        self._fetched = 0

    def init_request(self, request: Request) -> None:
        """Asks for the first page."""
        self.update_request(request)

    def update_request(self, request: Request) -> None:
        """Asks for the page after the records that came."""
        more = {self._offsets.offset_parameter: self._fetched, self._offsets.limit_parameter: self._offsets.limit}
        request.params = {**(request.params or {}), **more}

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Counts the records of a page.

        Raises:
            IngestError: fewer or more records came than were announced, or their number is no number.
        """
        self._fetched += len(data or ())
        total = self._total(response)
        if total is None:
            self._has_next_page = bool(data)
            return
        if self._fetched > total or (self._fetched < total and not data):
            raise IngestError(
                f"{without_query(response.url)} announced {total:,} records and gave {self._fetched:,}; "
                "it may have changed while it was read. Run again."
            )
        self._has_next_page = self._fetched < total

    def _total(self, response: Response) -> int | None:
        where = self._offsets.total_header or self._offsets.total_path
        if where is None:
            return None
        if self._offsets.total_header:
            told: Any = response.headers.get(where)
        else:
            told = next(iter(at_path(where, response.json())), None)
        if not str(told).isdecimal():
            raise IngestError(f"{without_query(response.url)} does not tell how many records there are in {where!r}")
        return int(str(told))


def at_path(path: str, document: Any) -> list[Any]:
    """What a JSONPath finds in a document."""
    from dlt.common import jsonpath

    found: list[Any] = jsonpath.find_values(path, document)
    return found
