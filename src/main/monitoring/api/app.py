"""What is served beside the pages, and how is all of it put behind the guard?

The order matters. `create_app` comes before ``Dash(server=app)``, because Dash registers a route that answers
everything; `protect` comes after it, because the middleware added last is the outermost.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from starlette.responses import RedirectResponse
from starlette.routing import Route, WebSocketRoute

from main.exporters.exports import Exports
from main.monitoring.api.acknowledging import acknowledge_route
from main.monitoring.api.annotating import annotate_route
from main.monitoring.api.assets import CompressedAssets
from main.monitoring.api.directory import Directory
from main.monitoring.api.exporting import export_routes
from main.monitoring.api.health import add_probes
from main.monitoring.api.named import named_routes
from main.monitoring.api.named_paths import NAMED
from main.monitoring.api.named_shape import NamedPath
from main.monitoring.api.openapi import describe
from main.monitoring.api.pages import Announced, Shelf, page_routes
from main.monitoring.api.problems import add_problems, problem
from main.monitoring.api.rest import Asked, Catalogue, read_routes
from main.monitoring.api.socket_io import SocketIo, socket_io_routes
from main.monitoring.api.writing import write_routes
from main.monitoring.read import reads
from main.recording.intake import Intake
from main.security.guard import Guard
from main.security.identity import Authenticator
from main.security.policy import Policy
from main.security.refusal import Signpost
from main.telemetry.probes import ProbeApp

WHAT_THERE_IS = "the pages are in the navigation of /, the paths of the API in /openapi.json"
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_app(
    *,
    title: str,
    version: str,
    lifespan: Callable[[FastAPI], Any] | None,
    hub: Callable[[], Asked],
    directory: Callable[[], Directory],
    intake: Callable[[], Intake],
    exports: Callable[[], Exports],
    stream: Callable[..., Awaitable[None]],
    probes: ProbeApp,
    redirects: Mapping[str, str] | None = None,
    catalogue: Catalogue = reads,
    named: Sequence[NamedPath] = NAMED,
    shelf: Shelf | None = None,
    socket_io: Callable[[], SocketIo] | None = None,
) -> FastAPI:
    """Return an application with REST, the socket ``/ws``, the probes and the redirects (by default ``/v2`` to ``/``).

    `hub`, `directory`, `intake` and `exports` are functions because they are made on the event loop, when the process
    runs; the last two are asked for when something is posted, or exported. `named` are the paths beside the reads' own;
    the access table gets them from `main.monitoring.api.named.named_rules`. `stream` serves one socket: a function of a
    Starlette ``WebSocket``, or an ASGI application. Nothing is guarded before `protect`.
    `shelf` knows the panels that pages are composed of; without it no page is composed. `socket_io` gives, once the
    process runs, what serves ``/socket.io``; without it there is none.
    """
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        docs_url=None,  # Swagger's page loads its scripts from another host
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    add_problems(app)
    app.include_router(read_routes(hub, directory, catalogue))
    app.include_router(export_routes(hub, directory, exports, catalogue))
    app.include_router(named_routes(hub, directory, named))
    app.include_router(write_routes(intake))
    app.include_router(acknowledge_route(intake))
    app.include_router(annotate_route(intake))
    if shelf is not None:
        app.include_router(page_routes(shelf, cast(Callable[[], Announced], hub), intake))
    app.router.routes.append(WebSocketRoute("/ws", stream, name="stream"))
    app.router.routes.extend(socket_io_routes(socket_io) if socket_io is not None else ())
    describe(app, catalogue, named)
    add_probes(app, probes)
    for origin, target in ({"/v2": "/"} if redirects is None else redirects).items():
        app.router.routes.append(Route(origin, _redirect(target), include_in_schema=False))
    app.router.routes.append(Route("/api/{path:path}", _nothing_here, methods=_METHODS, include_in_schema=False))
    return app


def protect(
    app: FastAPI,
    policy: Policy | Callable[[], Policy],
    *,
    csp_hashes: Sequence[str] | Callable[[], Sequence[str]] = (),
    allowed_hosts: Iterable[str] = (),
    authenticator: Authenticator | None = None,
    absent: Callable[[str], bytes] | None = None,
) -> None:
    """Put `app` behind the guard, outermost, with compressed assets just inside it; call it after ``Dash(server=app)``.

    `policy` and `csp_hashes` (``dash.csp_hashes``) may be functions: they are then asked once, at the first request.
    `absent` makes the page that a browser gets for a path at which there is nothing; programs are told in JSON.
    """
    app.add_middleware(CompressedAssets)
    app.add_middleware(
        Guard,
        policy,
        csp_hashes=csp_hashes,
        allowed_hosts=tuple(allowed_hosts),
        authenticator=authenticator,
        signpost=Signpost(WHAT_THERE_IS, absent),
    )


async def _nothing_here(request: Request) -> Response:
    return problem(request, 404, Signpost(WHAT_THERE_IS).refusal(request.scope["path"], person=False).message)


def _redirect(target: str) -> Callable[[Request], Awaitable[Response]]:
    async def redirect(_: Request) -> Response:
        return RedirectResponse(target, status_code=307)

    return redirect
