"""What the collector counts, and how Prometheus is told."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector as Registered

from ingestion.collector.intake import Rejection
from ingestion.collector.outlet import Outlet

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the histogram's buckets."""

PREFIX = "majakka_collector"


class Metrics(Registered):
    """Plain numbers while requests are served; they become metrics when somebody asks."""

    def __init__(self, outlet: Outlet, spool_limit: int) -> None:
        self._outlet = outlet
        self._spool_limit = spool_limit
        self._requests: Counter[tuple[str, int]] = Counter()
        self._accepted: Counter[str] = Counter()
        self._rejected: Counter[tuple[str, str]] = Counter()
        self._buckets = [0] * (len(SECONDS) + 1)
        self._seconds = 0.0
        self.bytes_in_hand = 0
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """A request was answered.

        Args:
            path: one of those that the collector serves, or `other`.
            status: HTTP's.
            seconds: how long that took.
        """
        self._requests[path, status] += 1
        self._buckets[bisect_left(SECONDS, seconds)] += 1
        self._seconds += seconds

    def took(self, site_id: str, accepted: int, rejected: Sequence[Rejection]) -> None:
        """Events of a site were accepted and rejected."""
        self._accepted[site_id] += accepted
        for rejection in rejected:
            self._rejected[site_id, rejection.rule] += 1

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client asks for it."""
        requests = CounterMetricFamily(f"{PREFIX}_requests", "Requests answered.", labels=["path", "status"])
        for (path, status), count in self._requests.items():
            requests.add_metric([path, str(status)], count)
        yield requests
        accepted = CounterMetricFamily(f"{PREFIX}_events_accepted", "Events acknowledged.", labels=["site"])
        for site_id, count in self._accepted.items():
            accepted.add_metric([site_id], count)
        yield accepted
        rejected = CounterMetricFamily(
            f"{PREFIX}_events_rejected", "Events put on the stream of bad events.", labels=["site", "rule"]
        )
        for (site_id, rule), count in self._rejected.items():
            rejected.add_metric([site_id, rule], count)
        yield rejected
        yield self._histogram()
        outlet = self._outlet
        for name, told, value in (
            ("bytes_in_hand", "Bytes of the bodies of requests that are being served.", self.bytes_in_hand),
            ("stream_bytes_in_flight", "Bytes that are on their way to the stream.", outlet.bytes_in_flight),
            (
                "stream_is_direct",
                "1 while events go directly onto the stream, 0 while they go into the spool.",
                int(outlet.is_direct),
            ),
            ("spool_bytes", "Bytes that wait on disk for the stream.", outlet.spool_bytes),
            ("spool_limit_bytes", "Bytes that may wait there.", self._spool_limit),
        ):
            yield GaugeMetricFamily(f"{PREFIX}_{name}", told, value)
        yield CounterMetricFamily(f"{PREFIX}_spool_turns", "How often events began to go into the spool.", outlet.turns)
        yield CounterMetricFamily(
            f"{PREFIX}_spool_relayed", "Records put onto the stream from the spool.", outlet.relayed
        )

    def _histogram(self) -> Metric:
        total = 0
        buckets = []
        for bound, count in zip((*map(str, SECONDS), "+Inf"), self._buckets, strict=True):
            total += count
            buckets.append((bound, float(total)))
        return HistogramMetricFamily(
            f"{PREFIX}_request_seconds", "How long requests took.", buckets=buckets, sum_value=self._seconds
        )
