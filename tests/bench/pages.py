"""When has a real Chromium painted something, and when has it drawn every panel?"""

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright, ViewportSize, sync_playwright

from tests.browser.chromium import chromium
from tests.browser.conftest import ARGUMENTS

# High enough that no panel of any page is below the fold: those would not be drawn, and everything is to be counted.
VIEWPORT: ViewportSize = {"width": 1440, "height": 4800}
TIMEOUT_SECONDS = 60

# Looks once a frame, from before the page's first script. A panel counts when nothing of its skeleton is to be seen,
# its badge (the baseline has none) says how fresh it is, and its charts have their lines, or it says why it has
# nothing; the frame after that is the one shown. A drawer that is shut does not count.
WATCH = """
(() => {
  const plotted = (plot) => plot._fullData && plot._fullData.length && plot.querySelector(".main-svg");
  const drawn = (panel) => {
    if ([...panel.querySelectorAll(".skeleton")].some((each) => each.offsetParent)) return false;
    const badge = panel.querySelector("[id^=badge-]");
    if (badge && !badge.querySelector("b")) return false;
    if (panel.querySelector(".badge-error, .badge-unreachable, .notice-failed")) return false;
    const graphs = [...panel.querySelectorAll(".dash-graph")];
    if (panel.dataset.kind === "figure") {
      if (!graphs.length) return Boolean(panel.querySelector(".notice"));
      return graphs.every((each) => [...each.querySelectorAll(".js-plotly-plot")].some(plotted));
    }
    return Boolean(panel.querySelector(".notice")) || panel.querySelectorAll("td, span, b, time, svg").length > 1;
  };
  const counted = "section[data-panel]:not(.panel-strip):not([hidden])";  // no alert, no strip
  const panels = () => [...document.querySelectorAll(counted)];
  window.benchWaiting = () => panels().filter((each) => !drawn(each));
  let framed = false;
  const look = () => {
    const some = document.querySelector(counted);
    if (some && !framed) requestAnimationFrame(() => { window.benchFramed = performance.now(); });
    framed = framed || Boolean(some);
    if (some && window.benchWaiting().length === 0) {
      requestAnimationFrame(() => { window.benchDrawn = performance.now(); });
    } else {
      requestAnimationFrame(look);
    }
  };
  requestAnimationFrame(look);
})();
"""

SHAPE = """
() => [...document.querySelectorAll("section[data-panel]:not(.panel-strip):not([hidden])")].map((panel) => {
  const plots = [...panel.querySelectorAll(".js-plotly-plot")];
  const points = (trace) => (trace.x || trace.labels || trace.y || []).length;
  return {
    name: panel.dataset.panel,
    traces: plots
      .flatMap((plot) => plot.data)
      .map((trace) => ({ type: trace.type || "scatter", points: points(trace) })),
    elements: panel.querySelectorAll("*").length,
  };
})
"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Seconds from the start of the navigation, and what came over the network until all panels were drawn."""

    first_paint: float
    framed: float  # every panel's place and title, before its content
    complete: float
    requests: int = 0  # without those that the browser answered by itself
    received_bytes: int = 0  # as transferred: compressed, with heads, and what came over the socket


class Traffic:
    """What a page receives, as the browser's own network log counts it."""

    def __init__(self, page: Page) -> None:
        self._asked: set[str] = set()
        self._kept: set[str] = set()
        self.received_bytes = 0
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", lambda told: self._asked.add(told["requestId"]))
        session.on("Network.requestServedFromCache", lambda told: self._kept.add(told["requestId"]))
        session.on("Network.responseReceived", self._answered)
        session.on("Network.loadingFinished", lambda told: self._add(told["encodedDataLength"]))
        session.on("Network.webSocketFrameReceived", lambda told: self._add(len(told["response"]["payloadData"])))
        session.send("Network.enable")

    @property
    def requests(self) -> int:
        """How many went to the server; the socket's is one of them."""
        return len(self._asked - self._kept) + 1

    def _answered(self, told: dict[str, Any]) -> None:
        if told["response"].get("fromDiskCache") or told["response"].get("fromPrefetchCache"):
            self._kept.add(told["requestId"])

    def _add(self, count: float) -> None:
        self.received_bytes += int(count)


class Visitor:
    """A Chromium with a profile."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        context.add_init_script(WATCH)

    def open(self, url: str) -> Page:
        """Begin to load a page; do not wait for it."""
        return self._begin(self._context.new_page(), url)

    def drawn(self, page: Page) -> Drawn:
        """Wait until all panels are drawn and tell when that was."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not page.evaluate("window.benchDrawn"):  # asked from here: the page's policy forbids what evaluates text
            if time.monotonic() > deadline:
                waiting = page.evaluate("window.benchWaiting().map((each) => each.dataset.panel)")
                raise AssertionError(f"{page.url}: not drawn: {', '.join(waiting) or 'no panel at all'}")
            page.wait_for_timeout(20)
        paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        moments = page.evaluate(f"[{paint}, window.benchFramed, window.benchDrawn]")
        return Drawn(*(each / 1e3 for each in moments))

    def load(self, url: str) -> Drawn:
        """Load a page to its end and close it."""
        page = self._context.new_page()
        traffic = Traffic(page)
        try:
            drawn = self.drawn(self._begin(page, url))
            return replace(drawn, requests=traffic.requests, received_bytes=traffic.received_bytes)
        finally:
            page.close()

    def _begin(self, page: Page, url: str) -> Page:
        page.goto(url, wait_until="commit", timeout=1_000 * TIMEOUT_SECONDS)
        return page

    def shape(self, url: str) -> str:
        """What a page consists of, for `plain_dash --panels`."""
        page = self.open(url)
        self.drawn(page)
        found: list[dict[str, Any]] = page.evaluate(SHAPE)
        page.close()
        return json.dumps(found)


@contextlib.contextmanager
def chromium_driver() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@contextlib.contextmanager
def visitor(playwright: Playwright) -> Iterator[Visitor]:
    """A new Chromium with a new profile: nothing cached, not even compiled scripts."""
    profile = Path(tempfile.mkdtemp(prefix="ai-trader-bench-profile-"))
    context = playwright.chromium.launch_persistent_context(
        str(profile), executable_path=chromium(), args=ARGUMENTS, viewport=VIEWPORT
    )
    try:
        yield Visitor(context)
    finally:
        context.close()
        shutil.rmtree(profile, ignore_errors=True)
