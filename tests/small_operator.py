"""A demo operator that is big enough to have every kind of dirt, and small enough to be quick."""

import os
from contextlib import contextmanager

from demo.operator import process
from demo.operator.settings import SERVED, OperatorSettings, Ports
from ingestion import sources
from ingestion.prepare import prepare
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


def land_all(warehouse, staging=None):
    """Lands what is new of every source that the operator serves. Gives the reports by source."""
    target = target_of(warehouse, staging)
    for name in sources.NAMES:
        if name not in SERVED:
            prepare(sources.find(name), target)
    return {name: run(name, target) for name in SERVED}


def target_of(warehouse, staging=None):
    """A test's warehouse as ingestion names it; with a staging place, it is landed in as Redshift."""
    where = (warehouse.host, warehouse.port, warehouse.user, warehouse.password, warehouse.database)
    return Warehouse(*where, engine="redshift", staging=staging, sslmode="disable") if staging else Warehouse(*where)
