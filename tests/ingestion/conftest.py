"""An operator that serves its first morning, for the tests that only read from it."""

import os
from collections.abc import Iterator

import pytest
from small_operator import SETTINGS

from demo.operator import process
from demo.operator.process import Operator
from demo.operator.settings import Ports


@pytest.fixture(scope="session")
def first_morning(tmp_path_factory) -> Iterator[Operator]:
    """The operator's process; the environment does not point at it."""
    folder = tmp_path_factory.mktemp("first_morning") / "data"
    yield process.start(folder, SETTINGS, Ports(0, 0, 0))
    process.stop(folder)


@pytest.fixture
def served(first_morning, warehouse, monkeypatch) -> Operator:
    """The operator and a fresh warehouse, and the environment pointing at both."""
    for name, value in {**first_morning.environment(), **warehouse.environment()}.items():
        monkeypatch.setenv(name, value)
    assert "MAJAKKA_WAREHOUSE_PORT" in os.environ
    return first_morning
