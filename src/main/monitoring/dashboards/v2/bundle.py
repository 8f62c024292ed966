"""How do forty scripts, the skeletons of all pages and a dozen style sheets reach the browser? As two files."""

import hashlib
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI, Response

from main.monitoring.dashboards.v2.small_plotly import LICENCE, SCRIPT, SmallPlotly, small_plotly

EARLY = "theme-early.js"
"""It runs before the first paint, long before the others."""
_TYPES = {"js": "text/javascript", "css": "text/css"}


@dataclass(frozen=True, slots=True)
class Bundle:
    """One file: its content, and an address that changes with it."""

    path: str
    content: bytes

    @property
    def address(self) -> str:
        """What a browser has of this address is good for ever."""
        return f"{self.path}?m={_digest(self.content)}"


class PageAssets:
    """What every page of a dashboard needs of its own, beside the libraries. Nothing is read before it is asked for."""

    def __init__(
        self, folder: Path, configuration: Callable[[], Mapping[str, Any]], edition: Callable[[], Hashable]
    ) -> None:
        """Take the folder of assets and what the scripts are told, which may change with its `edition` only."""
        self._folder = folder
        self._configuration = configuration
        self._edition = edition
        self.plotly: SmallPlotly | None = small_plotly()
        self._made: dict[str, tuple[Hashable, Bundle]] = {}

    @property
    def script(self) -> Bundle:
        """All scripts but the early one, after the configuration that they begin with."""
        return self._bundle("js", lambda: self._told() + self._files("js"), self._edition())

    @property
    def style(self) -> Bundle:
        """All style sheets."""
        return self._bundle("css", lambda: self._files("css"), None)

    @property
    def plotly_address(self) -> str | None:
        """Where the small Plotly is, if there is one."""
        return f"/assets/{SCRIPT}?m={self.plotly.digest[:16]}" if self.plotly else None

    def address(self, name: str) -> str:
        """Return the address of a file that goes by itself."""
        return Bundle(f"/assets/{name}", (self._folder / name).read_bytes()).address

    def serve(self, server: FastAPI) -> None:
        """Register the routes; to be done before Dash, whose own for assets would look for such files."""

        async def script() -> Response:
            return Response(self.script.content, media_type=_TYPES["js"])

        async def style() -> Response:
            return Response(self.style.content, media_type=_TYPES["css"])

        server.add_api_route("/assets/page.js", script, methods=["GET"], include_in_schema=False)
        server.add_api_route("/assets/page.css", style, methods=["GET"], include_in_schema=False)
        for name in (SCRIPT, LICENCE):
            server.add_api_route(f"/assets/{name}", self._built(name), methods=["GET"], include_in_schema=False)

    def _built(self, name: str) -> Callable[[], Awaitable[Response]]:
        async def built() -> Response:
            if self.plotly is None:
                return Response("not built: pages have the packaged Plotly", 404, media_type="text/plain")
            found = self.plotly.script if name == SCRIPT else self.plotly.licence
            return Response(found, media_type=_TYPES.get(name.rpartition(".")[2], "text/plain"))

        return built

    def _bundle(self, kind: str, content: Callable[[], str], edition: Hashable) -> Bundle:
        made = self._made.get(kind)
        if made is None or made[0] != edition:
            made = self._made[kind] = (edition, Bundle(f"/assets/page.{kind}", content().encode()))
        return made[1]

    def _told(self) -> str:
        told = orjson.dumps(self._configuration(), default=_component).decode()
        # A text to be parsed when it is needed: twice as quick as the same as a literal of the script.
        return f"window.aiTraderShell = {orjson.dumps(told).decode()};\n"

    def _files(self, kind: str) -> str:
        """Return the files, each under its name: who looks for a line finds it."""
        files = {file.relative_to(self._folder).as_posix(): file for file in self._folder.rglob(f"*.{kind}")}
        return "\n".join(f"/* {name} */\n{files[name].read_text()}" for name in sorted(files) if name != EARLY)


def _component(value: object) -> object:
    if hasattr(value, "to_plotly_json"):
        return value.to_plotly_json()
    raise TypeError(f"{type(value).__name__} has no place in the page's configuration")


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()
