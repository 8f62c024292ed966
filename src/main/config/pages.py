"""What may be said of a composed page, in the configuration file and over the API alike?"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from main.config import kinds
from main.errors import did_you_mean

DASHBOARDS = ("trading", "system", "monitoring")
WIDTHS = (3, 4, 5, 6, 7, 8, 12)
"""Columns of 12, as the guide of the look has them."""
MOST_PANELS = 60
MOST_OPTIONS = 16
RESERVED = ("new",)
"""Addresses below /pages that mean something else."""


def _dashboard(value: object) -> object:
    if value in DASHBOARDS:
        return value
    expected, hint = "trading, system or monitoring", did_you_mean(str(value)[:40], DASHBOARDS)
    raise PydanticCustomError(kinds.EXPECTED, "{words}", {"words": f"{expected}; {hint}" if hint else expected})


def _bare(value: object) -> object:
    """A panel may be named without more: ``- equity``."""
    return {"panel": value} if isinstance(value, str) else value


def _texts(value: object) -> object:
    """YAML has numbers and yes/no where an option's value is meant: they are what is written."""
    if not isinstance(value, Mapping):
        return value
    return {str(name): _written(each) for name, each in value.items()}


def _written(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, int | float) else value


def _page(value: str) -> str:
    if value in RESERVED:
        raise ValueError
    return value


def _at_most(count: int, things: str) -> AfterValidator:
    def check(value: Any) -> Any:
        if len(value) > count:
            raise PydanticCustomError(kinds.EXPECTED, "{words}", {"words": f"at most {count} {things}"})
        return value

    return AfterValidator(check)


def _width(value: int) -> int:
    if value not in WIDTHS:
        raise ValueError
    return value


PageName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$"),
    AfterValidator(_page),
    kinds.expecting("a name for the address: small letters, digits and -, at most 64, not new"),
]
PanelName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$"), kinds.expecting("the name of a panel, such as equity")
]
OptionName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$"), kinds.expecting("the name of an option, such as by")
]
OptionValue = Annotated[
    str, Field(pattern=r"^\P{Cc}*$", max_length=1000), kinds.expecting("a text of at most 1000 printable characters")
]
Title = Annotated[
    str,
    Field(pattern=r"^\P{Cc}*[^\s\p{Cc}]\P{Cc}*$", max_length=100),
    kinds.expecting("a title of 1 to 100 printable characters"),
]
Width = Annotated[int, AfterValidator(_width), kinds.expecting("3, 4, 5, 6, 7, 8 or 12 of 12 columns")]
Place = Annotated[
    int, Field(ge=-1000, le=1000), kinds.expecting("a whole number from -1000 to 1000: the lowest stands first")
]


class PlacedPanelSettings(BaseModel):
    """A panel on a page; without a width it is as wide as on its own page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    panel: PanelName
    width: Width | None = None
    options: Annotated[dict[OptionName, OptionValue], _at_most(MOST_OPTIONS, "options"), BeforeValidator(_texts)] = (
        Field(default_factory=dict)
    )


class PageSettings(BaseModel):
    """A page composed of existing panels, which appears on one dashboard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    page: PageName
    title: Title
    dashboard: Annotated[str, BeforeValidator(_dashboard)] = "trading"
    place: Place = 0
    panels: Annotated[
        tuple[Annotated[PlacedPanelSettings, BeforeValidator(_bare)], ...], _at_most(MOST_PANELS, "panels")
    ] = ()
