"""A page for one person on this machine: a server at 127.0.0.1, and what it refuses.

Neither other pages in the same browser nor other users of the machine must reach it. The name it is called by must be that of this machine
(against DNS rebinding), the origin of a request its own, and each must carry a token: that for the page itself in the address that was printed, all
others in a header, as the page sends it. How long a body may be is known before it is read.
"""

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping

from telucodec.apps.page import rendered
from telucodec.errors import TelucodecError

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import HTMLResponse, JSONResponse, Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Receive, Scope, Send
except ImportError as error:
    raise TelucodecError("a page of this machine needs starlette and uvicorn: pip install 'telucodec[record]'") from error

HOST = "127.0.0.1"
"""Never anything else: whoever reaches a page acts in the name of the one who started it."""

TOKEN_HEADER = "x-telucodec-token"

Answer = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """A request that is answered with this status and line."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


class OwnPagesOnly:
    """Lets those requests through that come from the page of this server, and says on every answer what a page of it may do."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self.app, self.token = app, token.encode()
        self.hosts = {(name if port == 80 else f"{name}:{port}").encode() for name in (HOST, "localhost")}
        self.origins = {b"http://" + host for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if why := self._refusal(scope):
            await JSONResponse({"error": why}, 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str:
        headers = dict(scope["headers"])
        if headers.get(b"host") not in self.hosts:
            return "this server answers to the address it printed only"
        if headers.get(b"origin", min(self.origins)) not in self.origins:
            return "this server answers its own page only"
        if scope["path"] == "/":
            told, why = scope["query_string"].removeprefix(b"token="), "open the whole address that was printed, with its token"
        else:
            told, why = (
                headers.get(TOKEN_HEADER.encode(), b""),
                "this page is of an earlier session; open the address that was printed last",
            )
        if not secrets.compare_digest(told, self.token):
            return why
        return ""


def guarded(get: Mapping[str, Answer], post: Mapping[str, Answer], port: int, token: str) -> ASGIApp:
    """The application that answers these paths, behind what keeps all others away."""
    routes = [Route(path, handler) for path, handler in get.items()] + [
        Route(path, handler, methods=["POST"]) for path, handler in post.items()
    ]
    return Starlette(routes=routes, middleware=[Middleware(OwnPagesOnly, port=port, token=token)])


def page_response(template: str, token: str, **shown: object) -> Response:
    """The page that `template` makes of `shown`, allowed to run its own scripts and to ask its own server, and nothing else."""
    nonce = secrets.token_urlsafe(16)
    html = rendered(template, token=token, token_header=TOKEN_HEADER, nonce=nonce, **shown)
    allowed = (
        f"default-src 'none'; script-src 'nonce-{nonce}' blob:; style-src 'nonce-{nonce}'; connect-src 'self'; media-src blob:; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": allowed, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


async def body_of(request: Request, limit: int, too_long: str) -> bytes:
    """Return the body of `request`; refuse one of more than `limit` bytes by what it says, and at the latest at that byte."""
    stated = request.headers.get("content-length", "0")
    if not stated.isdigit() or int(stated) > limit:
        raise Refused(413, too_long)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise Refused(413, too_long)
    return bytes(body)


def answering(handler: Answer, statuses: Mapping[type[TelucodecError], int]) -> Answer:
    """Return `handler` with errors as JSON: the first status that fits for what the page or the user can mend, 500 for a full disk and the like."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as error:
            return JSONResponse({"error": str(error)}, error.status)
        except TelucodecError as error:
            status = next((status for kind, status in statuses.items() if isinstance(error, kind)), 500)
            return JSONResponse({"error": str(error)}, status)
        except (ClientDisconnect, asyncio.CancelledError):  # the server stops while a body is still on its way
            return Response(status_code=400)  # nobody reads it

    return answer


class LocalServer:
    """A page on a port of this machine, a free one where `port` is 0. Raises TelucodecError where the port is taken."""

    def __init__(self, port: int, page: Callable[[int, str], ASGIApp]) -> None:
        """`page` makes the application from the port and the token."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((HOST, port))
            self._socket.listen()
        except OSError as error:
            self._socket.close()
            raise TelucodecError(f"port {port}: cannot be used ({error.strerror}); choose another one with --port") from error
        self.port = self._socket.getsockname()[1]
        self.token = secrets.token_urlsafe(24)
        self.address = f"http://{HOST}:{self.port}/?token={self.token}"
        app = page(self.port, self.token)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, ws="none", timeout_graceful_shutdown=2)
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until `stop`, or Ctrl-C."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        self._server.should_exit = True
