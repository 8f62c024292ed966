"""What every dashboard has in common: one process, one page shell, panels found by themselves, one live channel."""

from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import structlog
from dash.development.base_component import Component
from fastapi import FastAPI, Request, Response

from main.clock import monotonic, now
from main.config import Settings
from main.database.bridge import AsyncBridge
from main.domain.scope import Scope
from main.errors import AccessDenied, DatabaseTimeout
from main.monitoring.answer_cache import AnswerCache
from main.monitoring.api.app import create_app, protect
from main.monitoring.api.named import named_rules
from main.monitoring.api.named_paths import NAMED
from main.monitoring.api.named_shape import NamedPath
from main.monitoring.api.pages import RULES as PAGE_RULES
from main.monitoring.api.problems import problem
from main.monitoring.api.socket_io import RULES as SOCKET_IO_RULES
from main.monitoring.api.stream import Greeting
from main.monitoring.dashboards.v2.absent_page import absent_page
from main.monitoring.dashboards.v2.application import DashApplication
from main.monitoring.dashboards.v2.backbone import Backbone
from main.monitoring.dashboards.v2.bundle import PageAssets
from main.monitoring.dashboards.v2.callback_threads import CallbackThreads
from main.monitoring.dashboards.v2.composed import PanelShelf, Shelved, every_panel
from main.monitoring.dashboards.v2.dashboard_metrics import dashboard_metrics, dashboard_status
from main.monitoring.dashboards.v2.encoder import PanelEncoder
from main.monitoring.dashboards.v2.facade import DatabaseFacade, past_pooler, settings_and_address
from main.monitoring.dashboards.v2.layout import Shell, Sibling, Tab
from main.monitoring.dashboards.v2.machine_ring import MachineRing
from main.monitoring.dashboards.v2.navigation import Page
from main.monitoring.dashboards.v2.panel import Panel, Wiring, panels_of
from main.monitoring.dashboards.v2.serving import serve
from main.monitoring.dashboards.v2.theme import ASSETS
from main.monitoring.read import Answer, Read
from main.security.binding import check_binding
from main.security.policy import Policy, Rule, dashboard_policy
from main.security.viewer import current_viewer
from main.telemetry.log_search import LogFolder
from main.telemetry.logging import log_path
from main.telemetry.ports import listening_socket
from main.telemetry.probes import ProbeApp
from main.telemetry.requests import REQUESTS
from main.telemetry.version import version

T = TypeVar("T")
CALLBACK_THREADS = 8
"""For synchronous callbacks, which mostly wait for the database."""
DRAWING_THREADS = 2
"""For large encodings: live panels must not wait behind callbacks that do."""


_COMPOSED = ("/pages/{name}", "/pages/{name}/edit")
_FURTHER = ("/tabs/{name}", *_COMPOSED)

_log = structlog.get_logger(__name__)


class Dashboard:
    """One dashboard process. Making it starts no thread, opens no socket and connects nowhere; `run` does."""

    name: ClassVar[str]
    title: ClassVar[str]
    pages: ClassVar[tuple[Page, ...]]
    windows: ClassVar[tuple[str, ...]]
    default_window: ClassVar[str]
    controls: ClassVar[tuple[str, ...]]
    named: ClassVar[tuple[NamedPath, ...]] = NAMED
    """The paths of its API beside ``/api/reads``, where every read is served on every dashboard."""
    socket_io: ClassVar[bool] = True
    """Whether programs outside hear of the accounts' changes at ``/socket.io``."""
    paced: ClassVar[bool] = False
    """Whether pages are pushed to at most once an update interval, but for trouble, which shows at once."""

    def __init__(
        self,
        db_pool: object = None,
        *,
        settings: Settings | None = None,
        port: int | None = None,
        host: str | None = None,
        update_interval: float | None = None,
        panels: Sequence[Panel] | None = None,
    ) -> None:
        """Take an asyncpg pool (as an address), an `Address`, a mapping, `Settings`, or nothing for the settings' own.

        `update_interval` (seconds) is that of ``interval-component``; panels are live without it. Raise
        `ConfigurationError`.
        """
        self.settings, source = settings_and_address(db_pool, settings)
        own = getattr(self.settings.dashboards, self.name)
        self.port: int = port or own.port
        self.host: str = host or self.settings.dashboards.host
        self._interval: float = update_interval or own.update_interval
        shelved = every_panel() if panels is None else tuple(Shelved(self.name, panel) for panel in panels)
        self._shelf = PanelShelf(shelved, self.settings.pages)
        self._panels = tuple(self._own_panels() if panels is None else panels)
        self._tabs: list[Tab] = []
        self._edition = 0
        self._assets = PageAssets(ASSETS, lambda: self._shell().configuration(), lambda: self._edition)
        self._start_error: Exception | None = None
        self._bridge = AsyncBridge(f"{self.name}-dashboard")
        self._drawing = ThreadPoolExecutor(DRAWING_THREADS, thread_name_prefix="drawing")
        greeting = Greeting(self.name, version(), now())
        direct = past_pooler(db_pool, self.settings)
        logs = LogFolder(log_path(self.settings.log_dir, self.name).parent)
        machine = MachineRing(self.settings.data_dir)
        facts: dict[str, Callable[[], Any]] = {"logs": lambda: logs, "host": lambda: machine.samples}
        pace = self._interval if self.paced else 0.0
        drawn = PanelEncoder(self._shelf.panels)
        self._backbone = Backbone(
            source,
            direct,
            drawn,
            self._drawing,
            greeting,
            facts=facts,
            machine=machine,
            pace=pace,
            cache=_cache_of(self.settings),
        )
        self.db_pool = DatabaseFacade(self._backbone.database)
        service = f"{self.name}-dashboard"
        self._probes = ProbeApp(
            service,
            self._backbone.checks,
            lambda: dashboard_status(self._backbone, greeting.started),
            dashboard_metrics(service, self._backbone, lambda: self.app.callbacks).registry,
        )
        self.server = self._server()
        self._assets.serve(self.server)
        self.app = DashApplication(
            self.server,
            title=self.title,
            threads=CallbackThreads(CALLBACK_THREADS, self.settings.database.statement_timeout),
            assets=self._assets,
            lean=lambda: not self._tabs,
        )
        self.app.layout = lambda: self._shell().layout()
        for panel in self._shelf.panels:  # those of other dashboards too: a composed page may hold them
            if panel.connect is not None:
                panel.connect(Wiring(self.app, self._ask))
        self._add_pages()
        protect(
            self.server,
            self._policy,
            csp_hashes=self.app.csp_hashes,
            allowed_hosts=self._public_hosts(),
            absent=self._absent,
        )

    def add_tab(self, name: str, title: str, content: Component | Sequence[Component]) -> None:
        """Add a page of one's own to the navigation, at ``/tabs/NAME``; a later one of the same name replaces it."""
        page = Page(title, "layout-dashboard", path=f"/tabs/{name}")
        self._tabs = [tab for tab in self._tabs if tab.page.address != page.address] + [Tab(page, content)]
        self._edition += 1

    def run(self, debug: bool = False, host: str | None = None, port: int | None = None) -> None:
        """Serve until SIGINT or SIGTERM. With `debug`, Dash shows its developer tools.

        Raise `PortInUse` naming the owner, `ConfigurationError` for an address that others reach while no user exists.
        """
        self.host, self.port = host or self.host, port or self.port
        check_binding(self.host, users_exist=False, setting="--host")
        # Taken before anything else is begun: a database may take its time, and the port could be gone by then.
        listener = listening_socket(self.host, self.port, setting="--port")
        if debug:
            self.app.enable_dev_tools(debug=True, dev_tools_hot_reload=False)
        try:
            application, drain = REQUESTS.counted(self.server), self._backbone.drain
            serve(application, listener, self._bridge, self._probes, lambda: self._start_error, on_drain=drain)
        finally:
            self._bridge.stop()
            self._drawing.shutdown(wait=False, cancel_futures=True)
            listener.close()

    def _run_async(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the dashboard's loop from a synchronous callback and return its result.

        Raise `DatabaseTimeout` when it takes longer than a connection and a statement may take together.
        """
        limits = self.settings.database
        longest = limits.connect_timeout + limits.statement_timeout
        began = monotonic()
        try:
            return self._bridge.run(coroutine, longest)
        except TimeoutError as error:
            if monotonic() - began < longest:
                raise  # the coroutine's own
            raise DatabaseTimeout("a callback", longest, setting="database.statement_timeout") from error

    def _ask(self, read: Read[T], scope: Scope, params: Hashable = None) -> Answer[T]:
        viewer = current_viewer.get()
        if viewer is None:
            raise AccessDenied("nobody is logged in: the callback did not come through the guard")
        read.allow(viewer)
        visible = replace(scope, accounts=viewer.visible(scope.accounts))
        return self._run_async(self._backbone.hub.ask(read, visible, params))

    def _server(self) -> FastAPI:
        return create_app(
            title=f"AI Trader, {self.name}",
            version=version(),
            lifespan=self._lifespan,
            hub=lambda: self._backbone.hub,
            directory=lambda: self._backbone.directory,
            intake=lambda: self._backbone.intake,
            exports=lambda: self._backbone.exports,
            stream=self._backbone.serve_socket,
            probes=self._probes,
            named=self.named,
            shelf=self._shelf,
            socket_io=(lambda: self._backbone.socket_io) if self.socket_io else None,
        )

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        try:
            self.app.ready()
            await self._backbone.start()
        except Exception as error:
            self._start_error = error
            raise
        _log.info("dashboard started", dashboard=self.name, host=self.host, port=self.port)
        for number, page in enumerate(
            self._shelf.pages
        ):  # they are shown with a notice in the place of what is not there
            for each in self._shelf.problems(page):
                _log.warning("composed page", problem=str(self.settings.located(each, ("pages", number))))
        try:
            yield
        finally:
            self._probes.drain()
            await self._backbone.stop()

    def _own_panels(self) -> tuple[Panel, ...]:
        return panels_of(self.name)

    def _shown_pages(self) -> tuple[Page, ...]:
        """The pages that have panels; the first of them is what ``/`` shows."""
        filled = {page for panel in self._panels for page in (panel.page, *panel.also_on)}
        return tuple(page for page in self.pages if page.name in filled) or (self.pages[0],)

    def _shell(self) -> Shell:
        return Shell(
            name=self.name,
            siblings=self._siblings(),
            pages=self._shown_pages(),
            panels=self._panels,
            tabs=tuple(self._tabs),
            controls=self.controls,
            windows=self.windows,
            default_window=self.default_window,
            interval_seconds=self._interval,
            composed=tuple(page.model_dump() for page in self._shelf.pages),
        )

    def _siblings(self) -> tuple[Sibling, ...]:
        both = self.settings.dashboards
        return tuple(
            Sibling(label, self.name == name, str(own.public_url) if own.public_url else None, own.port)
            for label, name, own in (("Trading", "trading", both.trading), ("System", "system", both.system))
        )

    def _public_hosts(self) -> tuple[str, ...]:
        own = getattr(self.settings.dashboards, self.name)
        return (_host_of(str(own.public_url)),) if own.public_url else ()

    def _policy(self) -> Policy:
        pages = [page.address for page in self._shown_pages()]
        further = (Rule(path, ("GET",), "viewer") for path in _FURTHER)
        outside = SOCKET_IO_RULES if self.socket_io else ()
        return dashboard_policy(pages, *further, *PAGE_RULES, *outside, *named_rules(self.named))

    def _add_pages(self) -> None:
        for page in self._shown_pages():
            self.server.add_api_route(page.address, self._page, methods=["GET"], include_in_schema=False)
        self.server.add_api_route("/tabs/{name}", self._tab, methods=["GET"], include_in_schema=False)
        for path in _COMPOSED:  # whether there is such a page is the router's business: it may come any time
            self.server.add_api_route(path, self._page, methods=["GET"], include_in_schema=False)

    async def _page(self, request: Request) -> Response:
        return self.app.page(request)

    async def _tab(self, request: Request, name: str) -> Response:
        if all(tab.page.address != f"/tabs/{name}" for tab in self._tabs):
            if "text/html" in request.headers.get("accept", ""):
                return Response(self._absent(request.scope["path"]), 404, media_type="text/html")
            return problem(request, 404, f"there is no page {name!r}; the navigation of / lists them all")
        return self.app.page(request)

    def _absent(self, path: str) -> bytes:
        return absent_page(path, self._shown_pages(), self._assets.style.address)


def _cache_of(settings: Settings) -> AnswerCache | None:
    if settings.redis_url is None:
        return None
    return AnswerCache(settings.redis_url.get_secret_value(), settings.signing_key())


def _host_of(url: str) -> str:
    return url.split("://", 1)[-1].split("/", 1)[0].rsplit(":", 1)[0]
