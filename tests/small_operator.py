"""A demo operator that is big enough to have every kind of dirt, and small enough to be quick."""

import os
from contextlib import contextmanager

from demo.operator import process
from demo.operator.settings import OperatorSettings, Ports
from ingestion import sources
from ingestion.run import run
from ingestion.warehouse import Warehouse

SETTINGS = OperatorSettings(customers=60, days=20)


@contextmanager
def serving(folder):
    """The operator of a folder, serving on free ports, with the environment pointing at it."""
    operator = process.start(folder, SETTINGS, Ports(0, 0, 0))
    before = dict(os.environ)
    os.environ.update(operator.environment())
    try:
        yield operator
    finally:
        os.environ.clear()
        os.environ.update(before)
        process.stop(folder)


def land_all(warehouse):
    """Lands what is new of every source. Gives the reports by source."""
    return {name: run(name, target_of(warehouse)) for name in sources.NAMES}


def target_of(warehouse):
    """A test's warehouse as ingestion names it."""
    return Warehouse(warehouse.host, warehouse.port, warehouse.user, warehouse.password, warehouse.database)
