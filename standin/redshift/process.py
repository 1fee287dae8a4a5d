"""The gateway in a process of its own, and the handle on it.

    with face(server) as running:          # listens on a free port of loopback
        connect(running.host, running.port)

The two talk in lines of JSON. The first one that the gateway reads says where to listen and where Postgres is; it
answers with its port, or with an error. A later one may change its environment (where S3 is, say). When its standard
input ends, it ends, so that it outlives nobody, unless it was told to stay.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from standin.errors import StandinError
from standin.processes import adopt, is_alive, port_taken
from standin.settings import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from standin.server import Server

_STOP_SECONDS = 10
_WATCH_SECONDS = 2


@dataclass
class Face:
    """A running gateway: where it listens, and how to talk to its process."""

    host: str
    port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def pid(self) -> int:
        """Its process number."""
        return self.process.pid

    def set_environment(self, variables: Mapping[str, str | None]) -> None:
        """Change variables of the gateway's process, such as AWS_ENDPOINT_URL; None unsets. They hold at once."""
        answer = _exchange(self.process, {"environment": dict(variables)})
        if "error" in answer:
            raise StandinError(f"the Redshift face did not take its environment: {answer['error']}")

    def let_go(self) -> None:
        """Leave it to itself; it was started to stay."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def stop(self) -> None:
        """End it, and every connection through it."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(
    server: Server,
    port: int = 0,
    *,
    host: str = LOOPBACK,
    log: Path | None = None,
    stays: Path | None = None,
    tls: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Face:
    """Start a gateway before a server, on any free port if it is 0.

    With `stays`, the folder that it belongs to, it outlives this process, and ends with the server. `tls` is a folder
    in which it finds, or makes, its certificate; without one it does not encrypt. `environment` is added to this
    process' own. Raises `StandinError` (`PortTakenError`).
    """
    output: IO[bytes] | int = subprocess.DEVNULL if log is None else log.open("ab")
    try:
        process = subprocess.Popen(
            # the folder is for who wants to know whose process it is
            [sys.executable, "-m", "standin.redshift.process", *([] if stays is None else [str(stays.resolve())])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output if log is not None else None,
            cwd="/",
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": _python_path(), **(environment or {})},
        )
    finally:
        if not isinstance(output, int):
            output.close()
    adopt(process)
    answer = _exchange(
        process,
        {
            "host": host,
            "port": port,
            "backend": {
                "host": server.host,
                "port": server.port,
                "superuser": server.superuser,
                "superuser_password": server.superuser_password,
                "pid": server.pid,
                "socket": server.socket,
            },
            "stays": stays is not None,
            "tls": None if tls is None else str(tls),
        },
    )
    if "error" in answer:
        process.wait()
        if answer["error"] == "taken":
            raise port_taken(port, "MAJAKKA_STANDIN_PORT")
        raise StandinError(f"The Redshift face did not start: {answer['error']}")
    return Face(host, int(answer["port"]), process)


@contextmanager
def face(server: Server, **options: Any) -> Iterator[Face]:
    """A gateway for the block; options as `start` takes them."""
    running = start(server, **options)
    try:
        yield running
    finally:
        running.stop()


def _exchange(process: subprocess.Popen[bytes], line: Mapping[str, object]) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise StandinError("the Redshift face was started by somebody else")
    try:
        process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    except BrokenPipeError:
        answer = b""
    if not answer:
        return {"error": f"its process ended with code {process.wait()}"}
    told: dict[str, Any] = json.loads(answer)
    return told


def _python_path() -> str:
    own = str(Path(__file__).resolve().parent.parent.parent)
    return os.pathsep.join(filter(None, [own, os.environ.get("PYTHONPATH")]))


# ------------------------------------------------------------------------------------------------ in the process


def _main() -> int:
    line = sys.stdin.buffer.readline()
    if not line:
        return 1
    told = json.loads(line)
    # two for each connection, and shells often give no more than a thousand
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        import uvloop
    except ImportError:
        # slower, and there on every platform
        return asyncio.run(_serve(told))
    return uvloop.run(_serve(told))


async def _serve(told: dict[str, Any]) -> int:
    import errno

    from standin.redshift.gateway import Gateway
    from standin.server import Server

    tls = None
    if told["tls"] is not None:
        from standin.redshift.tls import server_context

        tls = server_context(Path(told["tls"]))
    gateway = Gateway(Server(**told["backend"]), tls)
    try:
        port = await gateway.listen(told["host"], told["port"])
    except OSError as error:
        _say({"error": "taken" if error.errno == errno.EADDRINUSE else str(error)})
        return 1
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    _say({"port": port})
    stays = told["stays"]
    listener = loop.create_task(_listen(ended, stays=stays))
    watcher = loop.create_task(_watch(ended, told["backend"]["pid"])) if stays else None
    await ended.wait()
    listener.cancel()
    if watcher is not None:
        watcher.cancel()
    await gateway.close()
    return 0


async def _listen(ended: asyncio.Event, *, stays: bool) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    while line := await reader.readline():
        for name, value in json.loads(line)["environment"].items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _say({"done": True})
    if not stays:
        ended.set()


async def _watch(ended: asyncio.Event, pid: int | None) -> None:
    """End when the server does: nobody else would end us."""
    while pid is None or is_alive(pid):
        await asyncio.sleep(_WATCH_SECONDS)
    ended.set()


def _say(line: Mapping[str, object]) -> None:
    sys.stdout.buffer.write(json.dumps(line).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(_main())
