"""File descriptors: how many the machine has in use, how many it may have, and how many are the suite's."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import axes, components, figures
from main.monitoring.dashboards.v2.host_source import NO_SAMPLES, Shown, shown
from main.monitoring.dashboards.v2.panel import Answers, Panel, Picture
from main.monitoring.reads import host_files, host_now
from main.monitoring.reads.host_files import HostFiles


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    files = _files(answers, scope).value
    if files is None or files.latest is None:
        return components.empty(*NO_SAMPLES, icon_name="layers")
    latest, points = files.latest, files.points
    if latest.open_files is None:
        return components.empty("Not counted", "This operating system does not tell how many are open.")
    figure = figures.area(
        [point.at for point in points],
        [point.open_files for point in points],
        name="Open",
        write=lambda value: f"{value or 0:,.0f}",
        ticks=axes.money_ticks,
        write_tag=lambda value: f"{value or 0:,.0f}",
        count=3,
    )
    limit = latest.open_files_limit
    of = f"{text.percent(latest.open_files / limit, 2)} of {text.compact(limit)}" if limit else "no limit"
    suite = "the suite's not known" if files.suite_files is None else f"{files.suite_files:,} of the suite"
    return Picture(components.reading(f"{latest.open_files:,}", detail=f"{suite} · {of}"), figure)


def caption(answers: Answers, scope: Scope) -> str:
    return _files(answers, scope).caption(f"open · {scope.window}")


def _files(answers: Answers, scope: Scope) -> Shown[HostFiles]:
    return shown(
        answers,
        scope,
        host_files.READ,
        lambda now: HostFiles(None, now.files[-1] if now.files else None, now.files),
    )


PANEL = Panel(
    "open_files",
    "File descriptors",
    page="Infrastructure",
    reads=(host_files.READ, host_now.READ),
    draw=draw,
    caption=caption,
    width=4,
    order=60,
    height=180,
    kind="figure",
    refines=True,
)
