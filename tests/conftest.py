"""What several rooms' tests share: a small operator's data, and warehouses in which it has landed and been built.

A template is made once in a run, whichever worker asks first; a test gets a copy of its own in milliseconds.
"""

import gc
import os
from functools import partial

import pytest
import redshift_connector
from small_operator import SETTINGS, land_all, serving

from demo.operator.generate import generate

# Unless it is told, the driver reads the source around every call that has led to it, to name the application: under
# dbt that took longer than all that dbt did, for each of a thousand connections.
redshift_connector.connect = partial(redshift_connector.connect, application_name="tests")

# dbt keeps a project in many small objects, and Python looks through all of them for garbage, time and again.
gc.set_threshold(100_000)


def pytest_configure(config):
    # neither the machine's AWS account nor a proxy has a part in a test
    for name in [*os.environ]:
        if name.startswith("AWS_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            del os.environ[name]


def pytest_collection_modifyitems(items):
    # the long ones first, so that no worker is left alone with them in the end
    items.sort(key=lambda item: (item.path.parent.name != "warehouse", item.path.name != "test_standin.py"))


@pytest.fixture(scope="session")
def operator_folder(tmp_path_factory):
    """A small operator's data and truth; nothing serves it."""
    folder = tmp_path_factory.mktemp("operator") / "data"
    generate(folder, SETTINGS)
    return folder


@pytest.fixture(scope="session")
def landed(warehouse_factory, tmp_path_factory):
    """Template: a warehouse in which both mornings of the small operator have landed, each after the other."""

    def build(warehouse):
        with serving(tmp_path_factory.mktemp("landed") / "data") as operator:
            land_all(warehouse)
            operator.advance()
            land_all(warehouse)

    return warehouse_factory.template("landed", build=build)
