"""A running Redshift face and a database behind it for each test; the plugin's fixture `s3` gives a bucket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from standin.redshift.process import Face
from standin.redshift.warehouse import RedshiftWarehouse
from standin.warehouse import Template, WarehouseFactory


@pytest.fixture(scope="session")
def face(redshift_face: Face) -> Face:
    """A gateway before the run's Postgres, in a process of its own."""
    return redshift_face


@pytest.fixture(scope="session")
def redshift_template(warehouse_factory: WarehouseFactory) -> Template:
    """A database with Redshift's catalogue and nothing else."""
    return warehouse_factory.redshift_template()


@pytest.fixture
def redshift(warehouse_factory: WarehouseFactory) -> Iterator[RedshiftWarehouse]:
    """A fresh database behind the face: `connect()`, `psycopg()`, `execute(sql)`, `session()`, `url`."""
    with warehouse_factory.warehouse(redshift=True) as made:
        assert isinstance(made, RedshiftWarehouse)
        yield made
