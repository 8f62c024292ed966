"""When has a real Chromium painted something, and when has it drawn every panel?"""

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright

from tests.browser.chromium import chromium
from tests.browser.conftest import ARGUMENTS

# High enough that no panel is below the fold: those would not be drawn, and everything is to be counted.
VIEWPORT = {"width": 1440, "height": 2400}
TIMEOUT_SECONDS = 60

# Looks once a frame, from before the page's first script. A panel counts when nothing of its skeleton is to be seen,
# its badge (the baseline has none) says Live, and its charts have their lines; the frame after that is the one shown.
WATCH = """
(() => {
  const plotted = (plot) => plot._fullData && plot._fullData.length && plot.querySelector(".main-svg");
  const drawn = (panel) => {
    if ([...panel.querySelectorAll(".skeleton")].some((each) => each.offsetParent)) return false;
    if (panel.querySelector("[id^=badge-]") && !panel.querySelector(".badge-live")) return false;
    const graphs = [...panel.querySelectorAll(".dash-graph")];
    if (panel.dataset.kind === "figure") {
      if (!graphs.length) return Boolean(panel.querySelector(".notice-empty"));
      return graphs.every((each) => [...each.querySelectorAll(".js-plotly-plot")].some(plotted));
    }
    return panel.querySelectorAll("td, span, b, strong, time, svg").length > 1;
  };
  const panels = () => [...document.querySelectorAll("section[data-panel]:not(.panel-strip)")];  // no alert, no strip
  window.benchWaiting = () => panels().filter((each) => !drawn(each));
  let framed = false;
  const look = () => {
    const some = document.querySelector("section[data-panel]:not(.panel-strip)");
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
() => [...document.querySelectorAll("section[data-panel]:not(.panel-strip)")].map((panel) => {
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
    """Seconds from the start of the navigation."""

    first_paint: float
    framed: float  # every panel's place and title, before its content
    complete: float


class Visitor:
    """A Chromium with a profile."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        context.add_init_script(WATCH)

    def open(self, url: str) -> Page:
        """Begin to load a page; do not wait for it."""
        page = self._context.new_page()
        page.goto(url, wait_until="commit", timeout=1_000 * TIMEOUT_SECONDS)
        return page

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
        page = self.open(url)
        try:
            return self.drawn(page)
        finally:
            page.close()

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
