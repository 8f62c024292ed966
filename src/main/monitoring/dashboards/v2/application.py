"""What is Dash told to do differently: callbacks off the event loop, our pages, nothing that leaves this server."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextvars import copy_context
from typing import Any

import orjson
import structlog
from dash import Dash
from dash.backends import _fastapi
from dash.exceptions import PreventUpdate
from fastapi import FastAPI, Request, Response

from main.monitoring.dashboards.v2.theme import ASSETS

_log = structlog.get_logger(__name__)

# theme-early.js runs before the first paint, or a light page would flash dark. Dash would ask for Plotly and its graph
# only when the first chart is drawn: naming them here brings the first chart half a second forward.
INDEX = """<!DOCTYPE html>
<html lang="en" data-mantine-color-scheme="dark">
  <head>
    {%metas%}
    <title>{%title%}</title>
    <script src="/assets/theme-early.js"></script>
    <link rel="preload" href="/_dash-component-suites/plotly/package_data/plotly.min.js" as="script">
    <link rel="preload" href="/_dash-component-suites/dash/dcc/async-graph.js" as="script">
    {%favicon%}
    {%css%}
    <link rel="preload" href="/assets/fonts/inter-latin-wght-normal.woff2" as="font" type="font/woff2" crossorigin>
  </head>
  <body>
    {%app_entry%}
    <footer>
      <script id="shell-config" type="application/json">@shell@</script>
      {%config%}
      {%scripts%}
      {%renderer%}
    </footer>
  </body>
</html>"""
ENTRY = '<div id="react-entry-point"><div class="boot" aria-busy="true"></div></div>'


class DashApplication(Dash):
    """Dash on our FastAPI application. ``shell`` is what the scripts are told in the page itself."""

    def __init__(self, server: FastAPI, *, title: str, workers: Executor, shell: Callable[[], Mapping[str, Any]]) -> None:
        """Take the application with its own routes already on it, and the threads for synchronous callbacks."""
        self._workers = workers
        self._shell = shell
        super().__init__(
            "main.monitoring.dashboards.v2",
            server=server,
            assets_folder=str(ASSETS),
            assets_ignore=r"^theme-early\.js$",
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
        self.backend._setup_catchall = lambda: None
        super().init_app(app, **kwargs)

    def ready(self) -> None:
        """Collect assets and callbacks now: the first request may be a deep link, which would come without them."""
        self._setup_server()

    def page(self, request: Request) -> Response:
        """Return the document of every page; which one is shown is the browser's router's business."""
        token = _fastapi.set_current_request(request)
        try:
            return Response(self.index(), media_type="text/html", headers={"Cache-Control": "no-store"})
        finally:
            _fastapi.reset_current_request(token)

    def interpolate_index(self, **parts: str) -> str:
        """Return the document with what our scripts need to know before Dash has loaded its layout."""
        # "<" could end the script block it stands in.
        shell = orjson.dumps(self._shell(), default=_component).decode().replace("<", "\\u003c")
        document = super().interpolate_index(**(parts | {"app_entry": ENTRY}))
        return document.replace("@shell@", shell)

    def _execute_callback(self, func: Callable[..., Any], args: Any, outputs_list: Any, g: Any) -> Callable[[], Any]:
        call = super()._execute_callback(func, args, outputs_list, g)
        is_coroutine = inspect.iscoroutinefunction(func)

        async def off_the_loop() -> Any:
            try:
                if is_coroutine:
                    return await call()
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._workers, copy_context().run, call)
            except PreventUpdate:
                raise
            except Exception:
                _log.exception("callback failed", outputs=str(outputs_list))  # Dash answers 500 and says nothing
                raise

        return off_the_loop


def _component(value: object) -> object:
    if hasattr(value, "to_plotly_json"):
        return value.to_plotly_json()
    raise TypeError(f"{type(value).__name__} has no place in the page's configuration")
