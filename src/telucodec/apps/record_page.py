"""A recording session as a web page for one speaker on this machine: a server at 127.0.0.1 that hands out one page and takes its sound.

Other pages in the same browser must not reach it. The name it is called by must be that of this machine (against DNS rebinding), the origin
of a request its own, and all but the page itself must carry a token that only the page holds (against forged requests). Nothing in a request
is ever part of a path: sentences and takes have names that are compared with those at hand. How long a body may be is known before it is read.
"""

import json
import secrets
import socket
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from telucodec.data.recording_session import MAX_RATE, MAX_TAKE_S, MIN_RATE, RecordingSession, StaleRequest
from telucodec.errors import DataError, TelucodecError

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import HTMLResponse, JSONResponse, Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Receive, Scope, Send
except ImportError as error:
    raise TelucodecError("the recording page needs starlette and uvicorn: pip install 'telucodec[record]'") from error

HOST = "127.0.0.1"
"""Never anything else: whoever reaches the server may record in the speaker's name."""

TOKEN_HEADER = "x-telucodec-token"
SAMPLE_BYTES = 4
MAX_FORM_BYTES = 10_000

TEMPLATES = Path(__file__).parent / "templates"

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
        self.hosts = {f"{name}:{port}".encode() for name in (HOST, "localhost")}
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
        if scope["path"] != "/" and not secrets.compare_digest(headers.get(TOKEN_HEADER.encode(), b""), self.token):
            return "this page is of an earlier session; reload it"
        return ""


class RecordPage:
    """The page of `session` at that port, as an ASGI application; `finish` is called when the speaker is done.

    Handlers call the session directly, so that requests take turns: a take is judged in a fraction of a second, and there is one speaker.
    """

    def __init__(self, session: RecordingSession, port: int, speaker: str, language: str, licence: str, finish: Callable[[], None]) -> None:
        self.session, self.finish = session, finish
        self.suggested = {"speaker": speaker, "language": language, "licence": licence}
        self.token = secrets.token_urlsafe(24)
        environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
        self.template = environment.get_template("record.html")
        routes = [
            Route("/", self.page),
            Route("/state", _answering(self.state)),
            Route("/take/{name}", _answering(self.sound)),
            Route("/consent", _answering(self.consent), methods=["POST"]),
            Route("/take", _answering(self.take), methods=["POST"]),
            Route("/accept", _answering(self.accept), methods=["POST"]),
            Route("/retake", _answering(self.retake), methods=["POST"]),
            Route("/skip", _answering(self.skip), methods=["POST"]),
            Route("/finish", _answering(self.finished), methods=["POST"]),
        ]
        self.app = Starlette(routes=routes, middleware=[Middleware(OwnPagesOnly, port=port, token=self.token)])

    async def page(self, request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        html = self.template.render(token=self.token, token_header=TOKEN_HEADER, nonce=nonce, max_take_s=MAX_TAKE_S)
        allowed = (
            f"default-src 'none'; script-src 'nonce-{nonce}' blob:; style-src 'nonce-{nonce}'; connect-src 'self'; media-src blob:; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return HTMLResponse(
            html, headers={"Content-Security-Policy": allowed, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        )

    async def state(self, request: Request) -> Response:
        session = self.session
        prompt, take, progress = session.prompt, session.take, session.progress
        state = {
            "consent": asdict(session.consent) if session.consent else None,
            "asked": {"text": session.consent_text, **self.suggested},
            "prompt": asdict(prompt) if prompt else None,
            "take": None,
            "progress": {"text": str(progress), "done": progress.accepted + progress.skipped, "total": progress.total},
            "folder": str(session.out),
        }
        if take:
            state["take"] = {"name": take.name, "level": take.level, "findings": [asdict(finding) for finding in take.findings]}
        return JSONResponse(state, headers={"Cache-Control": "no-store"})

    async def consent(self, request: Request) -> Response:
        self.session.give_consent(*await _words(request, "speaker", "language", "licence"))
        return await self.state(request)

    async def take(self, request: Request) -> Response:
        rate = request.query_params.get("rate", "")
        if not (rate.isascii() and rate.isdigit() and len(rate) <= 6 and MIN_RATE <= int(rate) <= MAX_RATE):
            raise Refused(400, f"the rate must be a number from {MIN_RATE} to {MAX_RATE} Hz")
        body = await _body(request, round(MAX_TAKE_S * int(rate)) * SAMPLE_BYTES, f"a take has up to {MAX_TAKE_S:g} s; record it again")
        if not body or len(body) % SAMPLE_BYTES:
            raise Refused(400, "the take is empty or cut short; record it again")
        self.session.hear(request.query_params.get("prompt", ""), np.frombuffer(body, "<f4"), int(rate))
        return await self.state(request)

    async def sound(self, request: Request) -> Response:
        take = self.session.named(request.path_params["name"])
        return Response(take.path.read_bytes(), media_type="audio/wav", headers={"Cache-Control": "no-store"})

    async def accept(self, request: Request) -> Response:
        self.session.accept(*await _words(request, "take"))
        return await self.state(request)

    async def retake(self, request: Request) -> Response:
        self.session.retake(*await _words(request, "take"))
        return await self.state(request)

    async def skip(self, request: Request) -> Response:
        self.session.skip(*await _words(request, "prompt"))
        return await self.state(request)

    async def finished(self, request: Request) -> Response:
        answer = await self.state(request)
        self.finish()
        return answer


def _answering(handler: Answer) -> Answer:
    """Return `handler` with errors as JSON: 4xx for what the page or the speaker can mend, 500 for a full disk and the like."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as error:
            return JSONResponse({"error": str(error)}, error.status)
        except StaleRequest as error:
            return JSONResponse({"error": str(error)}, 409)
        except DataError as error:
            return JSONResponse({"error": str(error)}, 400)
        except TelucodecError as error:
            return JSONResponse({"error": str(error)}, 500)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it

    return answer


async def _body(request: Request, limit: int, too_long: str) -> bytes:
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


async def _words(request: Request, *names: str) -> list[str]:
    """Return the strings of those names from a JSON body."""
    body = await _body(request, MAX_FORM_BYTES, "this is longer than any form of this page")
    try:
        cells = json.loads(body)
        words = [cells[name] for name in names]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(400, "this is no request of this page; reload it") from error
    if not all(isinstance(word, str) and word.isprintable() for word in words):
        raise Refused(400, "this is no request of this page; reload it")
    return words


class PageServer:
    """The page of `session` on a port of this machine, a free one where `port` is 0. Raises TelucodecError where the port is taken."""

    def __init__(self, session: RecordingSession, port: int, speaker: str = "", language: str = "", licence: str = "") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((HOST, port))
            self._socket.listen()
        except OSError as error:
            self._socket.close()
            raise TelucodecError(f"port {port}: cannot be used ({error.strerror}); choose another one with --port") from error
        self.port = self._socket.getsockname()[1]
        self.address = f"http://{HOST}:{self.port}/"
        page = RecordPage(session, self.port, speaker, language, licence, self.stop)
        self.token = page.token
        config = uvicorn.Config(
            page.app, log_level="warning", access_log=False, server_header=False, ws="none", timeout_graceful_shutdown=2
        )
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until the speaker is done, or Ctrl-C."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        self._server.should_exit = True
