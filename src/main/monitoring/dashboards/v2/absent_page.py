"""What does a browser get for an address at which there is nothing? That address, and the ways back to the pages."""

from collections.abc import Sequence
from html import escape

from main.monitoring.dashboards.v2.navigation import Page

_LONGEST = 200
_DOCUMENT = """<!DOCTYPE html>
<html lang="en" data-mantine-color-scheme="dark">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>No such page · AI Trader</title>
    <link rel="stylesheet" href="{style}">
  </head>
  <body>
    <main class="absent">
      <div class="notice">
        <h1 class="notice-title">There is no page at this address</h1>
        <p class="notice-reason"><code>{path}</code> is none of the pages of this dashboard.</p>
        <nav class="buttons" aria-label="Pages">{links}</nav>
      </div>
    </main>
  </body>
</html>
"""


def absent_page(path: str, pages: Sequence[Page], style: str) -> bytes:
    """Return the document for `path`, as the browser asked for it; `style` is the address of our style sheets.

    The first of the pages is the way back, and the others stand beside it.
    """
    first, *others = pages
    links = [f'<a class="button button-primary" href="/">{escape(first.name)}</a>']
    links += [f'<a class="button" href="{escape(page.address)}">{escape(page.name)}</a>' for page in others]
    shown = path if len(path) <= _LONGEST else path[:_LONGEST] + "…"
    document = _DOCUMENT.format(style=escape(style), path=escape(shown), links=" ".join(links))
    return document.encode(errors="replace")
