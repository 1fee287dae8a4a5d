"""A worker that reads hostile and damaged files; it is told which on its standard input."""

import bz2
import io
import json
import random
import resource
import sys
from pathlib import Path

from hostile import CASES, DOCUMENT, LINES, MB, RECORDS, numbers, packed, parquet, tar, zipped, zstd

from ingestion.errors import IngestError
from ingestion.formats.archive import Bzip2, Gzip, Tar, Zip, Zstd
from ingestion.formats.csv import Csv
from ingestion.formats.json import Json
from ingestion.formats.parquet import Parquet

ADDRESS_SPACE = 6 << 30
"""Belt and braces: what would fill the machine fails in the worker."""


def fuzzed() -> dict[str, tuple[object, bytes]]:
    """A good file of each kind, to be damaged at random."""
    csv = b'a,b\n1,"x\n"\n' + b"".join(b"%d,text %d\n" % (n, n) for n in range(50))
    lines = b"".join(b'{"a":%d,"b":"text %d","c":{"d":[1.5]}}\n' % (n, n) for n in range(50))
    xml = b"<l>" + b"".join(b'<r id="%d"><a>%d</a><b><c>x</c></b></r>' % (n, n) for n in range(50)) + b"</l>"
    return {
        "csv": (Csv(trailer=None), csv),
        "csv in utf-16": (Csv(encoding="utf-16"), csv.decode().encode("utf-16")),
        "json lines": (LINES, lines),
        "flat json lines": (Json(columns={}), b"".join(b'{"a":%d,"b":"x"}\n' % n for n in range(50))),
        "json document": (DOCUMENT, b"[" + lines.strip().replace(b"\n", b",") + b"]"),
        "xml": (RECORDS, xml),
        "parquet": (Parquet(), parquet(numbers(50))),
        "gzip": (Gzip(Csv()), packed(csv)),
        "bzip2": (Bzip2(Csv()), bz2.compress(csv)),
        "zstd": (Zstd(Csv()), zstd(csv)),
        "tar": (Tar(Csv()), tar(("a", csv), ("b", csv))),
        "zip": (Zip(Csv()), zipped(("a", csv), ("b", csv))),
    }


def damaged(content: bytes, seed: int) -> bytes:
    """The content with a few bytes changed, cut, repeated or moved."""
    dice = random.Random(seed)  # noqa: S311
    changed = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(changed))
        match dice.randrange(5):
            case 0:
                changed[at] = dice.randrange(256)
            case 1:
                changed[at] ^= 1 << dice.randrange(8)
            case 2:
                del changed[at : at + dice.randint(1, 20)]
            case 3:
                changed[at:at] = changed[at : at + dice.randint(1, 50)]
            case 4:
                changed[at : at + 4] = dice.choice([b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff"])
        if not changed:
            break
    return bytes(changed)


def read(described, content: bytes) -> dict[str, object]:
    rows, broken, error = 0, [], None
    try:
        for batch in described.read(io.BytesIO(content)):
            assert len(batch.table) == len(batch.rows)
            batch.table.validate()
            rows += len(batch.table) if batch.resource is None else 0
            broken += [one.reason for one in batch.broken]
    except IngestError as refused:
        error = str(refused)
    return {"rows": rows, "broken": broken[:10], "error": error}


def answer(asked: dict[str, object]) -> dict[str, object]:
    if "case" in asked:
        case = CASES[asked["case"]]
        told = read(case.described, case.content())
    else:
        described, content = fuzzed()[asked["kind"]]
        for seed in asked["seeds"]:
            read(described, damaged(content, seed))
        told = {}
    told["then"] = read(Csv(), b"a\n1\n")["rows"]
    told["peak_mb"] = peak_mb()
    return told


def peak_mb() -> int:
    """The most memory that this process has had; `getrusage` would count what its parent had before it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MB
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
