"""A recording session as a web page for one speaker on this machine: a server at 127.0.0.1 that hands out one page and takes its sound.

Nothing in a request is ever part of a path: sentences and takes have names that are compared with those at hand. What else is refused,
`local_page` says.
"""

import json
from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from telucodec.apps.local_page import (
    JSONResponse,
    LocalServer,
    Refused,
    Request,
    Response,
    answering,
    body_of,
    guarded,
    page_response,
)
from telucodec.data.recording_session import MAX_RATE, MAX_TAKE_S, MIN_RATE, RecordingSession, StaleRequest
from telucodec.errors import DataError
from telucodec.files import printable

SAMPLE_BYTES = 4
MAX_FORM_BYTES = 10_000

STATUSES = {StaleRequest: 409, DataError: 400}


class RecordPage:
    """The page of `session` at that port for whoever holds `token`, as an ASGI application; `finish` is called when the speaker is done.

    Handlers call the session directly, so that requests take turns: a take is judged in a fraction of a second, and there is one speaker.
    """

    def __init__(
        self, session: RecordingSession, port: int, token: str, speaker: str, language: str, licence: str, finish: Callable[[], None]
    ) -> None:
        self.session, self.finish = session, finish
        self.suggested = {"speaker": speaker, "language": language, "licence": licence}
        self.token = token
        get = {"/state": self.state, "/take/{name}": self.sound}
        post = {
            "/consent": self.consent,
            "/take": self.take,
            "/accept": self.accept,
            "/retake": self.retake,
            "/skip": self.skip,
            "/finish": self.finished,
        }
        get, post = ({path: answering(handler, STATUSES) for path, handler in found.items()} for found in (get, post))
        self.app = guarded({"/": self.page} | get, post, port, self.token)

    async def page(self, request: Request) -> Response:
        return page_response("record.html", self.token, max_take_s=MAX_TAKE_S)

    async def state(self, request: Request) -> Response:
        session = self.session
        prompt, take, progress = session.prompt, session.take, session.progress
        state = {
            "consent": asdict(session.consent) if session.consent else None,
            "asked": {"text": session.consent_text, **self.suggested},
            "prompt": asdict(prompt) if prompt else None,
            "take": None,
            "progress": {"text": str(progress), "done": progress.accepted + progress.skipped, "total": progress.total},
            "folder": printable(session.out),
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
        body = await body_of(request, round(MAX_TAKE_S * int(rate)) * SAMPLE_BYTES, f"a take has up to {MAX_TAKE_S:g} s; record it again")
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


async def _words(request: Request, *names: str) -> list[str]:
    """Return the strings of those names from a JSON body."""
    body = await body_of(request, MAX_FORM_BYTES, "this is longer than any form of this page")
    try:
        cells = json.loads(body)
        words = [cells[name] for name in names]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused(400, "this is no request of this page; reload it") from error
    if not all(isinstance(word, str) for word in words):
        raise Refused(400, "this is no request of this page; reload it")
    return words


def record_server(session: RecordingSession, port: int, speaker: str = "", language: str = "", licence: str = "") -> LocalServer:
    """The page of `session` on that port, until the speaker is done."""
    server = LocalServer(port, lambda port, token: RecordPage(session, port, token, speaker, language, licence, lambda: server.stop()).app)
    return server
