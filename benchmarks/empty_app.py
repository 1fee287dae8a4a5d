"""An ASGI application that reads a body and answers, and does nothing else: `python empty_app.py granian|uvicorn PORT`.

What every other application on the same server is measured against. Imports nothing but the server.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Message = Mapping[str, Any]

_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"15")],
}
_BODY = {"type": "http.response.body", "body": b'{"accepted":10}'}


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Any request."""
    while (await receive()).get("more_body"):
        pass
    await send(_START)
    await send(_BODY)


def main(server: str, port: int) -> None:
    """Serves until it is killed."""
    if server == "uvicorn":
        import uvicorn

        uvicorn.run(
            app, port=port, loop="uvloop", http="httptools", lifespan="off", log_level="error", access_log=False
        )
        return
    import uvloop
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    async def serve() -> None:
        await Server(
            app,
            port=port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=1024,
            backpressure=1024,
            log_enabled=False,
        ).serve()

    uvloop.run(serve())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
