"""The worker of a COPY: what lies in S3 is read, converted and encoded for Postgres; bad rows are told of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from standin.redshift.s3 import blocks, columnar, conversion, objects, values
from standin.redshift.s3.delimited import Block, Record, TextReader
from standin.redshift.s3.encoding import Encoder
from standin.redshift.s3.errors import cancelled, failure
from standin.redshift.s3.jsontext import to_json
from standin.redshift.s3.load_errors import LoadError, LoadErrors
from standin.redshift.s3.store import Place, Store, StoredObject, sources

if TYPE_CHECKING:
    import pyarrow as pa

    from standin.redshift.s3.columns import Column, Target
    from standin.redshift.s3.commands import CopyCommand, CopyOptions

# converted columns of some rows
Batches = Iterator[list["pa.Array"]]


@dataclass
class Loader:
    """Reads the objects of one COPY.

    Attributes:
        command: what to load.
        target: into which columns.
        encoder: gives the bytes for Postgres.
        errors: where bad rows are told.
        stop: set from another thread to end it.
        pid: the client's, for the error of a cancelled COPY.
        count: the rows that were produced.
        files: the objects that were read, with the rows of each.
    """

    command: CopyCommand
    target: Target
    encoder: Encoder
    errors: LoadErrors
    stop: threading.Event
    pid: int
    count: int = 0
    files: list[tuple[StoredObject, int]] = field(default_factory=list)

    @property
    def _options(self) -> CopyOptions:
        return self.command.options

    @property
    def _columns(self) -> tuple[Column, ...]:
        return self.target.columns

    def run(self) -> Iterator[bytes]:
        """The bytes for Postgres, in pieces of about a megabyte; raises DialectError."""
        options = self._options
        store = Store(self.command.credentials, options.region)
        found = sources(store, self.command.source, options.manifest, columnar=options.format in ("parquet", "orc"))
        read = self._reader(store)
        yield self.encoder.start()
        for stored in found:
            before = self.count
            for columns in read(stored):
                if self.stop.is_set():
                    raise cancelled(self.pid)
                self.count += len(columns[0])
                if not options.no_load:
                    yield from self.encoder.rows(columns)
            self.files.append((stored, self.count - before))
        yield self.encoder.end()

    def _reader(self, store: Store) -> Callable[[StoredObject], Batches]:
        """What reads one object."""
        options = self._options
        if options.format in ("parquet", "orc"):
            return lambda stored: self._columnar(store, stored)
        if options.format in ("json", "avro"):
            paths = None
            if options.paths.startswith("s3://"):
                place = Place.parse(options.paths)
                if store.find(place) is None:
                    raise failure(f"The specified S3 prefix '{place.key}' does not exist")
                paths = objects.read_paths(store.read(place), len(self._columns))
            pick = objects.picker(self._columns, paths, options.paths)
            return lambda stored: self._objects(store, stored, pick)
        reader = TextReader(options, len(self._columns))
        return lambda stored: self._text(store, stored, reader)

    def _columnar(self, store: Store, stored: StoredObject) -> Batches:
        name = str(stored.place)
        options, width = self._options, len(self._columns)
        for batch in columnar.batches(store.open(stored), options.format, width, name, fill=options.fill_record):
            pairs = zip(batch, self._columns, strict=True)
            yield [columnar.convert(found, column, options, name) for found, column in pairs]

    def _pieces(self, store: Store, stored: StoredObject) -> Iterator[bytes]:
        compression = self._options.compression
        file = blocks.decompressed(store.stream(stored), compression)
        return blocks.chunks(file, str(stored.place), self._options.encoding, compression)

    def _text(self, store: Store, stored: StoredObject, reader: TextReader) -> Batches:
        name = str(stored.place)
        for block in reader.blocks(self._pieces(store, stored), name):
            converted, bad = [], []
            for index, column in enumerate(self._columns):
                done, refused = conversion.convert_text(block.columns[index], column, self._options)
                converted.append(done)
                bad += [(each, index) for each in refused]
            if bad or block.faults:
                self._report_records(block, bad, name)
            yield _without(converted, {each.row for each, _ in bad})

    def _report_records(self, block: Block, bad: list[tuple[conversion.Bad, int]], name: str) -> None:
        """Tell of a block's bad rows, each with its first bad field, in the order of the file."""
        found: list[tuple[Record, int, int, str]] = [
            (record, record.fault[2], *record.fault[:2]) for record in block.faults if record.fault
        ]
        first: dict[int, tuple[conversion.Bad, int]] = {}
        for each, index in bad:
            # columns come in order
            first.setdefault(each.row, (each, index))
        records = block.located(first)
        found += [(records[row], index, each.code, each.reason) for row, (each, index) in first.items()]
        for record, index, code, reason in sorted(found, key=lambda row: row[0].line):
            value = record.fields[index] if index < len(record.fields) else b""
            position = record.starts[index] if index < len(record.starts) else len(record.raw)
            shown = (each.decode("utf-8", "replace") for each in (record.raw, value or b""))
            self._report((name, record.line, index, position), tuple(shown), (code, reason))

    def _objects(self, store: Store, stored: StoredObject, pick: objects.Pick) -> Batches:
        name, options = str(stored.place), self._options
        batches: Iterator[list[objects.Item] | objects.Whole]
        if options.format == "json":
            batches = objects.read_json(self._pieces(store, stored), name, self._whole)
        else:
            batches = objects.read_avro(blocks.decompressed(store.stream(stored), None), name)
        for batch in batches:
            yield batch.columns if isinstance(batch, objects.Whole) else self._items(batch, pick, name)

    def _whole(self, content: bytes) -> objects.Whole | None:
        """A block of JSON at once, if it is as plain as most are."""
        if self._options.paths != "auto":
            return None
        found = objects.by_arrow(content, self._columns)
        if found is None:
            return None
        done = []
        for values_, column in zip(found, self._columns, strict=True):
            converted = conversion.convert_typed(values_, column, self._options)
            if converted is None:
                return None
            done.append(converted)
        return objects.Whole(done)

    def _items(self, batch: list[objects.Item], pick: objects.Pick, name: str) -> list[pa.Array]:
        """The columns of some records; tells of the bad ones."""
        options = self._options
        epochs = options.time_format in ("epochsecs", "epochmillisecs")
        rows, picked = [], []
        failed: list[tuple[objects.Item, int, str, int, str]] = []
        for item in batch:
            try:
                if item.fault is not None:
                    raise values.BadValueError(values.BAD_LINE, item.fault)
                picked.append(pick(item.value))
                rows.append(item)
            except values.BadValueError as error:
                failed.append((item, 0, "", error.code, error.reason))
        converted = []
        refused_rows: set[int] = set()
        for index, column in enumerate(self._columns):
            found = [row[index] for row in picked]
            native = conversion.convert_native(found, column, options)
            if native is not None:
                converted.append(native)
                continue
            fields = [objects.as_field(value, column, epochs) for value in found]
            done, refused = conversion.convert_objects(fields, column, options)
            converted.append(done)
            for each in refused:
                if each.row not in refused_rows:
                    refused_rows.add(each.row)
                    failed.append((rows[each.row], index, fields[each.row] or "", each.code, each.reason))
        for item, index, value, code, reason in sorted(failed, key=lambda row: row[0].line):
            self._report((name, item.line, index, 0), (item.raw or to_json(item.value), value), (code, reason))
        return _without(converted, refused_rows)

    def _report(self, spot: tuple[str, int, int, int], raw: tuple[str, ...], fault: tuple[int, str]) -> None:
        """Tell of a bad row: file, line, index of the column and position; line and value; code and reason."""
        file, line, index, position = spot
        index = min(index, len(self._columns) - 1)
        self.errors.add(LoadError(file, line, self._columns[index], index, position, raw[0], raw[1], *fault))


def _without(columns: list[pa.Array], rows: set[int]) -> list[pa.Array]:
    """The columns without these rows."""
    if not rows:
        return columns
    import pyarrow as pa

    kept = pa.array([row not in rows for row in range(len(columns[0]))], pa.bool_())
    return [column.filter(kept) for column in columns]
