"""Keeps the operator running in the background: start, stop, ask, advance."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.operator.generate import generate
from demo.operator.settings import (
    CONTACTS_BUCKET,
    CONTACTS_QUEUE,
    LOOPBACK,
    RECOMMENDATIONS_BUCKET,
    RECOMMENDATIONS_QUEUE,
    REGION,
    SFTP_FOLDER,
    STREAM,
    USAGE_BUCKET,
    USAGE_QUEUE,
    OperatorError,
    OperatorSettings,
    Ports,
)

START_SECONDS = 90.0
# what it has to read grows with its size
CUSTOMER_DAYS_A_SECOND = 10_000
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Status:
    """What is known of a folder's operator; all but `running` only while it answers."""

    running: bool
    pid: int | None = None
    ports: Ports | None = None
    morning: int | None = None
    settings: dict[str, Any] | None = None


@dataclass(frozen=True)
class Operator:
    """A running operator."""

    folder: Path
    ports: Ports
    pid: int

    @property
    def morning(self) -> int:
        """Which morning it is there, 1 or 2. Raises `OperatorError` if the operator does not answer."""
        return int(_ask(self.ports.http, "GET", "/_demo/health")["morning"])

    def advance(self) -> int:
        """Bring the second morning, if it has not come; gives the morning it is now."""
        return int(_ask(self.ports.http, "POST", "/_demo/advance", seconds=120)["morning"])

    def environment(self) -> dict[str, str]:
        """Where the sources are and how to get in, as dlt reads it from the environment."""
        credentials = json.loads((self.folder / "credentials.json").read_text())
        aws = f"http://{LOOPBACK}:{self.ports.aws}"
        site = f"http://{LOOPBACK}:{self.ports.http}"
        keys = {
            "AWS_ACCESS_KEY_ID": credentials["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": credentials["aws_secret_access_key"],
        }
        sources = {
            "CRM": {
                "WSDL_URL": f"{site}/crm?wsdl",
                "USERNAME": credentials["crm_username"],
                "PASSWORD": credentials["crm_password"],
            },
            "BILLING": {
                "HOST": LOOPBACK,
                "PORT": str(self.ports.sftp),
                "USERNAME": credentials["billing_username"],
                "PASSWORD": credentials["billing_password"],
                "KNOWN_HOSTS": str(self.folder / "known_hosts"),
                "FOLDER": SFTP_FOLDER,
            },
            "CATALOG": {"BASE_URL": site, "TOKEN": credentials["catalog_token"]},
            "ORDERS": {"BASE_URL": site, "TOKEN": credentials["orders_token"]},
            "USAGE": {"ENDPOINT_URL": aws, "REGION": REGION, "QUEUE": USAGE_QUEUE, "BUCKET": USAGE_BUCKET, **keys},
            "CONTACTS": {
                **{"ENDPOINT_URL": aws, "REGION": REGION, "QUEUE": CONTACTS_QUEUE, "BUCKET": CONTACTS_BUCKET},
                **keys,
            },
            "RECOMMENDATIONS": {
                **{"ENDPOINT_URL": aws, "REGION": REGION},
                **{"QUEUE": RECOMMENDATIONS_QUEUE, "BUCKET": RECOMMENDATIONS_BUCKET},
                **keys,
            },
            "EVENTS": {"ENDPOINT_URL": aws, "REGION": REGION, "STREAM": STREAM, **keys},
        }
        return {
            f"SOURCES__{source}__{name}": value for source, given in sources.items() for name, value in given.items()
        }


def start(folder: Path, settings: OperatorSettings, ports: Ports | None = None) -> Operator:
    """Generate the folder if need be, start its operator in the background and wait until it answers.

    One that already serves the folder is used as it is, on the ports it has. `ports` default to those of the
    environment. Raises `OperatorError`, with the end of the log, if it does not come up.
    """
    folder = folder.absolute()
    ports = Ports.from_environment() if ports is None else ports
    generate(folder, settings)
    found = running(folder)
    if found is not None:
        return found
    log = folder / "operator.log"
    project = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (project, os.environ.get("PYTHONPATH"))))}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "demo.operator", "serve", "--folder", str(folder)),
                *("--http-port", str(ports.http), "--sftp-port", str(ports.sftp), "--aws-port", str(ports.aws)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    seconds = START_SECONDS + settings.customers * settings.days / CUSTOMER_DAYS_A_SECOND
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = running(folder)
        if found is not None:
            return found
        # if it gave way to one that was starting already, that one will answer
        if process.poll() is not None and not _is_locked(folder):
            raise OperatorError(f"the operator did not start:\n{_last_lines(log)}")
        time.sleep(0.05)
    process.terminate()
    raise OperatorError(f"the operator did not answer within {seconds:.0f} s:\n{_last_lines(log)}")


def stop(folder: Path) -> bool:
    """Stop the folder's operator; gives whether there was one. Kills it if it does not obey."""
    if not _is_locked(folder):
        return False
    pid = int((folder / "operator.lock").read_text() or 0)
    if not pid:
        raise OperatorError(f"the operator of {folder} is just starting: try again in a second")
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        # The lock says that the process is alive and ours, so the number cannot be somebody else's by now.
        if not _is_locked(folder):
            return True
        os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and _is_locked(folder):
            time.sleep(0.02)
    if _is_locked(folder):
        raise OperatorError(f"process {pid} serves {folder} and cannot be stopped: end it by hand")
    return True


def status(folder: Path) -> Status:
    """Whether the folder is served, and what its operator says of itself."""
    if not _is_locked(folder):
        return Status(running=False)
    found = _endpoints(folder)
    if found is None:
        return Status(running=True)
    ports, pid = found
    try:
        health = _ask(ports.http, "GET", "/_demo/health", seconds=5)
    except OperatorError:
        return Status(running=True, pid=pid, ports=ports)
    return Status(running=True, pid=pid, ports=ports, morning=int(health["morning"]), settings=health["settings"])


def running(folder: Path) -> Operator | None:
    """The folder's operator, if it answers."""
    found = status(folder)
    if found.morning is None or found.ports is None or found.pid is None:
        return None
    return Operator(folder, found.ports, found.pid)


def _endpoints(folder: Path) -> tuple[Ports, int] | None:
    try:
        found = json.loads((folder / "endpoints.json").read_text())
    except FileNotFoundError:
        return None
    return Ports(found["http"], found["sftp"], found["aws"]), int(found["pid"])


def _is_locked(folder: Path) -> bool:
    """Whether a process serves the folder. The operator locks `operator.lock` for as long as it lives."""
    try:
        lock = (folder / "operator.lock").open()
    except FileNotFoundError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _ask(port: int, method: str, path: str, seconds: float = 10) -> dict[str, Any]:
    """One request to the operator, straight to loopback: http.client knows no proxies."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=seconds)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise OperatorError(
            f"the operator does not answer on {LOOPBACK}:{port} ({error}): start it (make up)"
        ) from error
    finally:
        connection.close()
    if response.status != 200:
        raise OperatorError(f"{method} {path} on port {port} answered {response.status}; see the operator's log")
    answer: dict[str, Any] = json.loads(body)
    return answer


def _last_lines(log: Path, count: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
