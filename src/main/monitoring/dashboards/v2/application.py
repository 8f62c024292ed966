"""What is Dash told to do differently: callbacks off the event loop, our pages, nothing that leaves this server."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import plotly
import structlog
from dash import Dash
from dash.backends import _fastapi
from dash.exceptions import PreventUpdate
from fastapi import Request, Response

from main.errors import AITraderError
from main.monitoring.dashboards.v2.bundle import EARLY, PageAssets
from main.monitoring.dashboards.v2.callback_threads import CallbackThreads
from main.monitoring.dashboards.v2.theme import ASSETS
from main.monitoring.dashboards.v2.whole_modules import let_plotly_wait_for_whole_modules

_log = structlog.get_logger(__name__)

# theme-early.js runs before the first paint, or a light page would flash dark. Plotly is fetched while the rest starts;
# the small one is compiled meanwhile and runs when Dash has begun, the whole one when the shell is there: run earlier,
# it holds back the first paint of everything else (measured). Our own scripts run before the libraries: the first data
# are asked for while those are still on their way.
INDEX = """<!DOCTYPE html>
<html lang="en" data-mantine-color-scheme="dark">
  <head>
    {%metas%}
    <title>{%title%}</title>
    <script src="@early@" data-templates="@templates@" data-grid="@grid@" data-prefix="@prefix@"
      data-plotly="@plotly@" data-whole="@whole@" data-traces="@traces@"></script>
    @fetched@
    <link rel="prefetch" href="/_dash-component-suites/dash/dcc/async-graph.js" as="script">
    {%favicon%}
    {%css%}
    <link rel="stylesheet" href="@style@">
    <link rel="preload" href="/assets/fonts/inter-latin-wght-normal.woff2" as="font" type="font/woff2" crossorigin>
  </head>
  <body>
    {%app_entry%}
    <footer>
      <script src="@script@"></script>
      {%config%}
      {%scripts%}
      {%renderer%}
    </footer>
  </body>
</html>"""
PLOTLY = f"/_dash-component-suites/plotly/package_data/plotly.v{plotly.__version__.replace('.', '_')}m0.min.js"
"""Where the browser finds the packaged Plotly, under an address that changes with its version and may be kept for good.

Pages that may hold what users made begin with it; those of panels alone begin with the small one, where there is one.
"""
GRID, TABLE = "/dash_ag_grid/", "/dash_table/"
"""Libraries that a page without tabs of the user's does not begin with: a fifth of all script, for long tables only."""
SMALL = '<script defer src="@plotly@"></script>'
WHOLE = '<link rel="prefetch" href="@plotly@" as="script">'
ENTRY = '<div id="react-entry-point"><div class="boot" aria-busy="true"></div></div>'


@dataclass(slots=True)
class Callbacks:
    """How many callbacks run now, and how many ended, and of those failed, since the start."""

    running: int = 0
    ended: int = 0
    failed: int = 0


class DashApplication(Dash):
    """Dash on our FastAPI application."""

    def __init__(
        self, server: Any, *, title: str, threads: CallbackThreads, assets: PageAssets, lean: Callable[[], bool]
    ) -> None:
        """Take the application (FastAPI) with its own routes on it, the threads for synchronous callbacks, our scripts
        and style sheets, and whether pages hold nothing but panels: then they begin without the large libraries.
        """
        self._threads = threads
        self._assets = assets
        self._lean = lean
        self._grid = ""
        self.callbacks = Callbacks()
        let_plotly_wait_for_whole_modules()
        super().__init__(
            "main.monitoring.dashboards.v2",
            server=server,
            assets_folder=str(ASSETS),
            assets_ignore=r"\.(js|css)$",
            title=title,
            update_title="",
            suppress_callback_exceptions=True,  # a panel's ids exist only while its page is shown
            serve_locally=True,
            enable_mcp=False,
            index_string=INDEX,
            meta_tags=[{"name": "color-scheme", "content": "dark light"}],
            add_log_handler=False,
        )

    def init_app(self, app: Any = None, **kwargs: Any) -> None:
        """Register Dash's routes without its own socket and without its catch-all."""
        self.backend.websocket_capability = False
        # Its catch-all is registered at the start on the newest Dash of the process, and answers 200 for any path.
        backend: Any = self.backend
        backend._setup_catchall = lambda: None
        super().init_app(app, **kwargs)

    def ready(self) -> None:
        """Collect assets and callbacks now: the first request may be a deep link, which would come without them."""
        self._setup_server()  # type: ignore[no-untyped-call]

    def page(self, request: Request) -> Response:
        """Return the document of every page; which one is shown is the browser's router's business."""
        backend: Any = _fastapi  # untyped
        token = backend.set_current_request(request)
        try:
            return Response(self._document(), media_type="text/html", headers={"Cache-Control": "no-store"})
        finally:
            backend.reset_current_request(token)

    def _document(self) -> str:
        document: str = self.index()  # type: ignore[no-untyped-call]
        return document

    def interpolate_index(self, *args: Any, **parts: Any) -> str:
        """Return the document with what our scripts need to know before Dash has loaded its layout."""
        document: str = super().interpolate_index(*args, **(parts | {"app_entry": ENTRY}))  # type: ignore[no-untyped-call]
        small = self._assets.plotly if self._lean() else None
        addresses = {
            "fetched": SMALL if small else WHOLE,
            "plotly": (self._assets.plotly_address if small else None) or PLOTLY,
            "whole": PLOTLY,
            "traces": " ".join(small.traces) if small else "",
            "grid": self._grid,
            "prefix": self.config.requests_pathname_prefix,
            "early": self._assets.address(EARLY),
            "templates": self._assets.address("plotly.json"),
            "style": self._assets.style.address,
            "script": self._assets.script.address,
        }
        for name, address in addresses.items():
            document = document.replace(f"@{name}@", address)
        return document

    def _collect_and_register_resources(self, *args: Any, **options: Any) -> list[Any]:
        """Return what the page begins with; the grid's own script is noted, for our scripts to fetch with a grid."""
        found: list[Any] = super()._collect_and_register_resources(*args, **options)  # type: ignore[no-untyped-call]
        self._grid = next((each for each in found if isinstance(each, str) and GRID in each), self._grid)
        if not self._lean():
            return found
        return [each for each in found if not (isinstance(each, str) and (GRID in each or TABLE in each))]

    def _execute_callback(self, func: Callable[..., Any], args: Any, outputs_list: Any, g: Any) -> Callable[[], Any]:
        call: Callable[[], Any] = super()._execute_callback(func, args, outputs_list, g)  # type: ignore[no-untyped-call]
        is_coroutine = inspect.iscoroutinefunction(func)

        async def off_the_loop() -> Any:
            self.callbacks.running += 1
            try:
                return await (call() if is_coroutine else self._threads.run(call))
            except PreventUpdate:
                raise
            except AITraderError as error:  # it says what to do; a traceback would add nothing
                self.callbacks.failed += 1
                _log.error("callback failed", outputs=str(outputs_list), reason=error.message)
                raise
            except Exception:
                self.callbacks.failed += 1
                _log.exception("callback failed", outputs=str(outputs_list))  # Dash answers 500 and says nothing
                raise
            finally:
                self.callbacks.running -= 1
                self.callbacks.ended += 1

        return off_the_loop
