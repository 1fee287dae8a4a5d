"""Files that are made to hurt are refused, or their bad rows are; in bounded memory, and the worker reads on."""

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import hostile
import hostile_worker
import pytest

MOST_MB = 400
"""What the process may take at its peak, over all cases: Python, Arrow and the files themselves included."""

MOST_SECONDS = 60
"""A hang, not a speed: the slowest case takes two."""

SEEDS = 60


class Worker:
    """A process that reads one file after another."""

    def __init__(self):
        self.process = None

    def ask(self, asked):
        if self.process is None or self.process.poll() is not None:
            script = Path(hostile_worker.__file__)
            self.process = subprocess.Popen(
                [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        alarm = threading.Timer(MOST_SECONDS, self.process.kill)
        alarm.start()
        line = self.process.stdout.readline()
        alarm.cancel()
        assert line, f"the worker died of {asked}: exit code {self.process.wait()}"
        told = json.loads(line)
        if told["peak_mb"] >= MOST_MB:
            # the next case is not to blame
            self.close()
        return told

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


@pytest.fixture(scope="module")
def worker():
    worker = Worker()
    yield worker
    worker.close()


@pytest.mark.parametrize("name", hostile.CASES)
def test_hostile_files(worker, name):
    case = hostile.CASES[name]
    told = worker.ask({"case": name})
    if case.error:
        assert told["error"], f"it was read: {told}"
        assert re.search(case.error, told["error"])
        assert len(told["error"]) < 1000
    else:
        assert told["error"] is None
        assert told["rows"] == case.rows
        assert len(told["broken"]) == len(case.broken)
        for found, expected in zip(told["broken"], case.broken, strict=True):
            assert expected in found
    assert told["then"] == 1
    assert told["peak_mb"] < MOST_MB


@pytest.mark.parametrize("kind", hostile_worker.fuzzed())
def test_files_that_are_damaged_at_random_are_read_or_refused(worker, kind):
    told = worker.ask({"kind": kind, "seeds": list(range(SEEDS))})
    assert told["then"] == 1
    assert told["peak_mb"] < MOST_MB
