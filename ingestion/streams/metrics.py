"""A consumer's metrics, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from ingestion.errors import IngestError

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from ingestion.streams.progress import Progress

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)


class Metrics:
    """Serves `/metrics`. What is counted is asked of the consumer's progress when somebody scrapes it."""

    def __init__(self, host: str, port: int) -> None:
        """Listens; port 0 takes a free one.

        Raises:
            IngestError: the port is taken.
        """
        registry = CollectorRegistry()
        labels = ("source",)
        self._landing = Histogram(
            "majakka_stream_batch_seconds", "How long a micro-batch took to land.", labels, buckets=SECONDS,
            registry=registry,
        )  # fmt: skip
        self._latency = Histogram(
            "majakka_stream_latency_seconds", "From a record's arrival in the stream to its row: the batch's oldest.",
            labels, buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self._told = _Told()
        registry.register(self._told)
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            raise IngestError(
                f"metrics cannot be served on {host}:{port}: {error}; choose another --metrics-port"
            ) from error
        self.port = int(self._server.server_port)
        self._batches = 0

    def observe(self, progress: Progress) -> None:
        """Takes note of what a consumer has done."""
        self._told.progress = progress
        if progress.batches > self._batches:
            self._batches = progress.batches
            self._landing.labels(progress.source).observe(progress.batch_seconds)
            self._latency.labels(progress.source).observe(progress.latency_seconds)

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Told(Collector):
    """The progress of a consumer, as metrics."""

    progress: Progress | None = None

    def collect(self) -> Iterator[Metric]:
        """One of each, with a sample for each table or partition."""
        progress = self.progress
        if progress is None:
            return
        for name, told, attribute in (
            ("fetched", "Records that were read and landed, or quarantined.", "fetched"),
            ("landed", "Records that became rows.", "landed"),
            ("rejected", "Records that were quarantined.", "rejected"),
        ):
            counter = CounterMetricFamily(f"majakka_stream_{name}_records", told, labels=("source", "table"))
            for line in progress.report.resources:
                counter.add_metric((progress.source, line.resource), getattr(line, attribute))
            yield counter
        batches = CounterMetricFamily("majakka_stream_batches", "Micro-batches that have landed.", labels=("source",))
        batches.add_metric((progress.source,), progress.batches)
        yield batches
        errors = CounterMetricFamily(
            "majakka_stream_errors", "How often the consumer had to begin anew.", labels=("source", "kind")
        )
        for kind, count in list(progress.errors.items()):
            errors.add_metric((progress.source, kind), count)
        yield errors
        yield from self._of_partitions(progress)

    def _of_partitions(self, progress: Progress) -> Iterator[Metric]:
        labels = ("source", "partition")
        held = GaugeMetricFamily("majakka_stream_partitions", "Partitions that are held.", labels=("source",))
        lag_records = GaugeMetricFamily(
            "majakka_stream_lag_records", "Records that had arrived and not landed; Kafka only.", labels=labels
        )
        lag_seconds = GaugeMetricFamily(
            "majakka_stream_lag_seconds", "How long ago everything that had arrived had landed.", labels=labels
        )
        watermark = GaugeMetricFamily(
            "majakka_stream_watermark_timestamp_seconds", "What arrived before has landed.", labels=labels
        )
        standings = dict(progress.standings)
        held.add_metric((progress.source,), len(standings))
        now = time.time()
        for scope, standing in standings.items():
            if standing.behind is not None:
                lag_records.add_metric((progress.source, scope), standing.behind)
            if standing.read_until is not None:
                lag_seconds.add_metric((progress.source, scope), max(0.0, now - standing.read_until))
                watermark.add_metric((progress.source, scope), standing.read_until)
        yield from (held, lag_records, lag_seconds, watermark)
