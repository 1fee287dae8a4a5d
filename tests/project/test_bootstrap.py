"""`make` on a machine that is not ready says what is missing. Real interpreters, real folders, no network."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
NOBODY = 65534


@pytest.fixture
def clone(tmp_path):
    """As much of a clone as the bootstrap reads."""
    folder = tmp_path / "clone"
    (folder / "tools").mkdir(parents=True)
    shutil.copy(PROJECT / "tools" / "bootstrap.py", folder / "tools")
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(PROJECT / name, folder)
    return folder


def bootstrap(clone, *, as_version=None, **more):
    """Runs the bootstrap, if need be under an interpreter that calls itself older than it is."""
    script = str(clone / "tools" / "bootstrap.py")
    pretend = f"import sys; sys.version_info = {as_version!r}; " if as_version else "import sys; "
    pretend += f"import runpy; sys.argv = [{script!r}, '.venv']; runpy.run_path({script!r}, run_name='__main__')"
    return subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True, **more)


@pytest.mark.parametrize("version", [(3, 9, 2, "final", 0), (3, 14, 0, "final", 0)])
def test_a_python_that_does_not_fit_is_named_with_the_ones_that_do(clone, version):
    done = bootstrap(clone, as_version=version, env={"PATH": ""})
    assert done.returncode == 1
    assert f"needs Python 3.11 to 3.13, and {sys.executable} is {version[0]}.{version[1]}" in done.stderr
    assert "make PYTHON=" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (clone / ".venv").exists()


def test_another_python_on_the_path_is_taken_instead(clone, tmp_path):
    (path := tmp_path / "bin").mkdir()
    (path / "python3.12").write_text('#!/bin/sh\necho "python3.12 was called with $1 $2"\n')
    (path / "python3.12").chmod(0o755)
    done = bootstrap(clone, as_version=(3, 9, 2, "final", 0), env={"PATH": str(path)})
    assert done.stdout == f"python3.12 was called with {clone / 'tools' / 'bootstrap.py'} .venv\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root; not proven here")
def test_a_folder_that_cannot_be_written_is_named(clone):
    interpreter = shutil.which("python3.11", path="/usr/bin:/usr/local/bin")
    if interpreter is None:
        pytest.skip("no interpreter that another user may run")
    # pytest's own temporary folders are closed to other users
    with tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o755)
        shutil.copytree(clone, Path(open_to_all) / "clone")
        script = str(Path(open_to_all) / "clone" / "tools" / "bootstrap.py")
        done = subprocess.run([interpreter, script, ".venv"], user=NOBODY, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr, done.stderr
    assert ".venv" in done.stderr


def test_a_lock_that_cannot_be_installed_shows_what_pip_says(clone):
    (clone / "requirements.lock").write_text("six==1.17.0 --hash=sha256:" + "0" * 64 + "\n")
    unreachable = {
        **os.environ,
        "PIP_INDEX_URL": "http://127.0.0.1:1/",
        "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": os.devnull,
    }
    done = bootstrap(clone, env={**unreachable, "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""})
    assert done.returncode == 1
    assert "pip could not install requirements.lock" in done.stderr
    assert "six" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (clone / ".venv" / "installed").exists(), "the next make tries again"


def test_the_lock_has_hashes_and_no_addresses():
    lock = (PROJECT / "requirements.lock").read_text()
    packages = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(packages) > 100
    assert lock.count("--hash=sha256:") >= len(packages)
    assert "://" not in lock
    assert "dbt-core==1.11." in lock
    for banned in ("pandas", "polars", "dlthub"):
        assert f"\n{banned}==" not in lock, f"{banned} would slow every load down, or has a commercial licence"
