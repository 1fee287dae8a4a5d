"""How an HTTP API goes on from one page to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.paginators import BasePaginator


class Paging(Protocol):
    """A kind of pagination."""

    def paginator(self) -> BasePaginator:
        """What does it."""
        ...


@dataclass(frozen=True)
class OnePage:
    """All there is comes at once."""

    def paginator(self) -> BasePaginator:
        """What does it."""
        from dlt.sources.helpers.rest_client.paginators import SinglePagePaginator

        return SinglePagePaginator()


@dataclass(frozen=True)
class PageNumbers:
    """Pages are numbered; the last is followed by an empty one, or the number of pages is told.

    Attributes:
        parameter: that takes the number.
        first: number of the first page.
        pages_path: JSONPath of the number of pages.
        more_path: JSONPath of whether there is another page.
    """

    parameter: str = "page"
    first: int = 1
    pages_path: str | None = None
    more_path: str | None = None

    def paginator(self) -> BasePaginator:
        """What does it."""
        from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator

        return PageNumberPaginator(
            base_page=self.first, page_param=self.parameter, total_path=self.pages_path, has_more_path=self.more_path
        )


@dataclass(frozen=True)
class Offsets:
    """A page starts at the n-th record. It goes on after as many as came, which may be fewer than were asked for.

    Where the number of all records is told, that many must come. Where it is not, an empty page is the end.

    Attributes:
        limit: how many records to ask for.
        offset_parameter: that takes how many to leave out.
        limit_parameter: that takes the limit.
        total_path: JSONPath of the number of all records.
        total_header: the header with it.
    """

    limit: int = 100
    offset_parameter: str = "offset"
    limit_parameter: str = "limit"
    total_path: str | None = None
    total_header: str | None = None

    def paginator(self) -> BasePaginator:
        """What does it."""
        from ingestion.transports.rest_client import OffsetPages

        return OffsetPages(self)


@dataclass(frozen=True)
class Cursor:
    """Each page has a word that the next one is asked for with.

    Attributes:
        path: JSONPath of the word; without it, or null or empty, there is no next page.
        parameter: that takes it.
        more_path: JSONPath of whether there is another page, where the last one has a word too.
    """

    path: str = "next_cursor"
    parameter: str = "cursor"
    more_path: str | None = None

    def paginator(self) -> BasePaginator:
        """What does it."""
        from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

        return JSONResponseCursorPaginator(self.path, self.parameter, has_more_path=self.more_path)


@dataclass(frozen=True)
class LinkHeader:
    """The header `Link` has the next page's URL, with `rel="next"` (RFC 8288)."""

    relation: str = "next"

    def paginator(self) -> BasePaginator:
        """What does it."""
        from dlt.sources.helpers.rest_client.paginators import HeaderLinkPaginator

        return HeaderLinkPaginator(self.relation)


@dataclass(frozen=True)
class JsonLink:
    """The page has the next one's URL, whole or relative.

    Attributes:
        path: JSONPath of the URL; without it, or null, there is no next page.
    """

    path: str = "next"

    def paginator(self) -> BasePaginator:
        """What does it."""
        from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

        return JSONLinkPaginator(self.path)
