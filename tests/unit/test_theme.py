import json
import re

import pytest

from main.monitoring.dashboards.v2 import theme

ASSETS = theme.ASSETS
TOKENS = (ASSETS / "tokens.css").read_text(encoding="utf-8")
STYLES = sorted(ASSETS.glob("*.css"))
SCRIPTS = sorted(ASSETS.rglob("*.js"))
DEFINED = set(re.findall(r"(--[a-z0-9-]+)\s*:", "\n".join(path.read_text(encoding="utf-8") for path in STYLES)))


def token(name, scheme):
    block = TOKENS.split(f'[data-mantine-color-scheme="{scheme}"] {{')[1].split("}")[0]
    return re.search(rf"--{name}: (#[0-9a-f]{{6}})", block).group(1)


@pytest.mark.parametrize("scheme", theme.THEMES)
def test_charts_repeat_the_tokens_of_their_theme(scheme):
    layout = theme.chart_templates()[scheme]["layout"]
    assert layout["xaxis"]["tickfont"]["color"] == token("ink-3", scheme)
    assert layout["yaxis"]["gridcolor"] == token("line", scheme)
    assert layout["colorway"] == [token(f"cat-{number}", scheme) for number in range(1, 9)]


def test_mantine_and_the_grid_take_their_values_from_the_tokens():
    assert theme.mantine_theme()["fontFamily"] == "var(--font-ui)"
    assert "var(--surface-panel)" in theme.grid_theme()["function"]


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_every_variable_that_is_used_is_defined(path):
    used = set(re.findall(r"var\((--(?!mantine)[a-z0-9-]+)", path.read_text(encoding="utf-8")))
    assert used <= DEFINED


@pytest.mark.parametrize("path", [p for p in STYLES if p.name not in {"tokens.css", "icons.css"}], ids=lambda p: p.name)
def test_only_the_tokens_hold_colours(path):
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [*STYLES, *SCRIPTS], ids=lambda path: path.name)
def test_nothing_is_loaded_from_another_host(path):
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"https?://[a-z]", text)


def test_every_icon_that_is_named_is_there():
    known = set(re.findall(r"^\.icon-([a-z0-9-]+)", (ASSETS / "icons.css").read_text(encoding="utf-8"), re.M))
    sources = [p.read_text(encoding="utf-8") for p in (*ASSETS.parent.rglob("*.py"), *SCRIPTS)]
    named = {name for text in sources for name in re.findall(r"""(?:shell\.icon|[^_]icon)\("([a-z0-9-]+)"\)""", text)}
    named |= {
        name
        for text in sources
        for name in re.findall(r"""icon_name="([a-z0-9-]+)"|, icon: "([a-z0-9-]+)" """, text)
        for name in name
        if name
    }
    assert named
    assert named <= known


def test_licences_stand_beside_what_they_cover():
    assert "SIL Open Font License" in (ASSETS / "fonts" / "inter-LICENSE.txt").read_text(encoding="utf-8")
    assert "ISC License" in (ASSETS / "icons" / "lucide-LICENSE.txt").read_text(encoding="utf-8")


def test_scripts_use_nothing_that_the_content_policy_forbids():
    for path in SCRIPTS:
        assert not re.findall(
            r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", path.read_text(encoding="utf-8")
        ), path.name


def test_the_templates_are_valid_json_of_both_themes():
    assert set(json.loads((ASSETS / "plotly.json").read_text(encoding="utf-8"))) == set(theme.THEMES)
