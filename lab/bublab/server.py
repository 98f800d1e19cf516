# SPDX-License-Identifier: BSD-2-Clause
"""Shows two worlds (live.py) to a browser on this machine, and takes what is clicked.

The lab runs as root, and any page that the user's browser shows could send requests to an address of
this machine.  So requests must name this machine as their host, which a page of somebody else's name
that was led to it cannot (DNS rebinding), and only a POST from this very page changes anything.

Everything that touches the worlds is done by one thread, one thing after the other.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
import pathlib
import socket
from collections.abc import Callable

from aiohttp import web

from . import page
from .live import Refused, Worlds
from .system import LabError, handle_signals, ignore_signals

LOOK_S = 0.15
HOSTS = ("localhost", "127.0.0.1", "[::1]")
HEADERS = {
    # dygraphs sets styles of elements; all scripts are files.
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
FILES: dict[str, tuple[str, Callable[[], str]]] = {
    "/dygraph.js": ("text/javascript", lambda: page.library("dygraph.min.js")),
    "/dygraph.css": ("text/css", lambda: page.library("dygraph.min.css")),
    "/page.css": ("text/css", page.style),
    "/live.css": ("text/css", lambda: page.part("live.css")),
    "/panel.js": ("text/javascript", lambda: page.part("panel.js")),
    "/live.js": ("text/javascript", lambda: page.part("live.js")),
}


def listen(port: int) -> socket.socket:
    """Of this machine only."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise LabError(
            f"cannot listen on 127.0.0.1 port {port} ({os.strerror(error.errno)}): "
            "give another with --port"
        ) from None


def host_of(host: str) -> str:
    """Without its port, which is another one where the page comes through a tunnel (ssh -L)."""
    return host if host.endswith("]") else host.rpartition(":")[0] or host


@web.middleware
async def guard(request: web.Request, handler) -> web.StreamResponse:
    """Refuses what another page, or another machine, may have had the browser ask for."""
    host = request.headers.get("Host", "")
    if host_of(host) not in HOSTS:
        raise web.HTTPForbidden(text=f"ask for one of {', '.join(HOSTS)}, not for '{host}'\n")
    if request.method not in ("GET", "HEAD"):
        if request.headers.get("Origin") != f"http://{host}":
            raise web.HTTPForbidden(text="only the page of this server itself may ask for that\n")
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="expected application/json\n")
    return await handler(request)


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


class Server:
    def __init__(self, worlds: Worlds) -> None:
        self.worlds = worlds
        self.thread = concurrent.futures.ThreadPoolExecutor(max_workers=1)
        self.news = asyncio.Condition()
        self.said: dict = {}
        self.failure: LabError | None = None
        self.stop = asyncio.Event()

    async def call(self, function: Callable, *arguments: object):
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.thread, function, *arguments)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[guard], client_max_size=4096)
        app.on_response_prepare.append(add_headers)
        app.router.add_get("/", self.index)
        for path in FILES:
            app.router.add_get(path, self.file)
        app.router.add_get("/events", self.events)
        app.router.add_post("/do", self.do)
        return app

    # ---- Requests ---------------------------------------------------------------------------

    async def index(self, _request: web.Request) -> web.Response:
        return web.Response(text=page.live(), content_type="text/html")

    async def file(self, request: web.Request) -> web.Response:
        kind, read = FILES[request.path]
        return web.Response(text=read(), content_type=kind)

    async def do(self, request: web.Request) -> web.Response:
        try:
            asked = json.loads(await request.text())
        except ValueError:
            raise web.HTTPBadRequest(text="expected JSON\n") from None
        try:
            await self.call(self.worlds.do, asked)
        except Refused as refused:
            raise web.HTTPConflict(text=f"{refused}\n") from None
        except LabError as failure:
            self.fail(failure)
            raise web.HTTPInternalServerError(text=f"{failure}\n") from None
        return web.json_response({"ok": True})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: what it looks like, and the pictures that are new to this browser."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        shown: dict[str, int] = {}
        try:
            while not self.stop.is_set():
                async with self.news:
                    await self.news.wait()
                said = dict(self.said)
                said["pictures"] = self.new_pictures(shown)
                text = json.dumps(said, separators=(",", ":"))
                await response.write(f"data: {text}\n\n".encode())
        except ConnectionError:
            pass  # the browser has gone
        return response

    def new_pictures(self, shown: dict[str, int]) -> dict[str, dict]:
        found = {}
        for name in self.said.get("worlds", ()):
            picture = self.worlds.picture(name)
            if shown.get(name) != picture["serial"]:
                shown[name] = picture["serial"]
                found[name] = picture
        return found

    # ---- Life -------------------------------------------------------------------------------

    def fail(self, failure: LabError) -> None:
        self.failure = failure
        self.stop.set()

    async def watch(self) -> None:
        try:
            while not self.stop.is_set():
                self.said = await self.call(self.worlds.look)
                await self.tell()
                await asyncio.sleep(LOOK_S)
        except LabError as failure:
            self.fail(failure)

    async def tell(self) -> None:
        async with self.news:
            self.news.notify_all()

    async def run(self, sock: socket.socket) -> None:
        """Until a signal, or until something ends that has to run."""
        loop = asyncio.get_running_loop()

        def end(_number: int, _frame: object) -> None:
            ignore_signals()
            loop.call_soon_threadsafe(self.stop.set)

        handle_signals(end)
        runner = web.AppRunner(self.application(), access_log=None)
        await runner.setup()
        await web.SockSite(runner, sock, shutdown_timeout=1).start()
        watching = asyncio.create_task(self.watch())
        watching.add_done_callback(lambda _task: self.stop.set())
        await self.stop.wait()
        ignore_signals()  # what follows is cleaning up
        await asyncio.wait([watching])
        await self.tell()  # so that the streams end
        await runner.cleanup()
        self.thread.shutdown()
        watching.result()
        if self.failure is not None:
            raise self.failure


def serve(folder: pathlib.Path, sock: socket.socket, say: Callable[[str], None]) -> None:
    """Two worlds in a browser, from their beginning to their end."""
    worlds = Worlds(folder)

    async def run() -> None:
        await Server(worlds).run(sock)

    with worlds.running(say):
        say(f"open http://127.0.0.1:{sock.getsockname()[1]}/ in a browser; Ctrl-C ends it")
        asyncio.run(run())
        say("taking everything down")
