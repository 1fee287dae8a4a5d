"""One operator for all tests, read by real clients on the first morning, on the second, and after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from operator_story import FREE, SETTINGS, Story, read

from demo.operator import process, truth
from demo.operator.generate import generate


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operator") / "data"
    generate(folder, SETTINGS)
    return folder


@pytest.fixture(scope="session")
def story(folder: Path) -> Iterator[Story]:
    try:
        operator = process.start(folder, SETTINGS, FREE)
        first = read(operator)
        assert process.stop(folder)
        operator = process.start(folder, SETTINGS, FREE)
        again_first = read(operator)
        assert operator.advance() == 2
        assert operator.advance() == 2
        second = read(operator, again_first)
        assert process.stop(folder)
        operator = process.start(folder, SETTINGS, FREE)
        restarted = read(operator)
        yield Story(folder, operator, truth.load(folder), first, second, again_first, restarted)
    finally:
        process.stop(folder)
