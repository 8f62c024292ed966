"""What does the API's description say of the routes of composed pages?"""

from typing import Any

from main.config.pages import DASHBOARDS, MOST_OPTIONS, MOST_PANELS, WIDTHS

_TEXT = {"type": "string"}
_NAME = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"}
_PANEL = {
    "type": "object",
    "required": ["panel"],
    "additionalProperties": False,
    "properties": {
        "panel": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"},
        "width": {"enum": [*WIDTHS, None], "description": "Of 12 columns; null: as on its own page."},
        "options": {"type": "object", "additionalProperties": _TEXT, "maxProperties": MOST_OPTIONS},
    },
}
_CONTENT = {
    "title": {"type": "string", "minLength": 1, "maxLength": 100},
    "dashboard": {"enum": list(DASHBOARDS), "description": "Where it appears."},
    "place": {"type": "integer", "minimum": -1000, "maximum": 1000, "description": "The lowest stands first."},
    "panels": {"type": "array", "items": _PANEL, "maxItems": MOST_PANELS},
}
_PAGE = {
    "type": "object",
    "properties": {
        "page": _NAME,
        **_CONTENT,
        "origin": {"enum": ["file", "user"], "description": "file: read-only here."},
        "version": {"type": ["integer", "null"]},
        "changed_by": {"type": ["string", "null"]},
        "at": {"type": ["string", "null"], "format": "date-time"},
    },
}
_SAVED = {"type": "object", "properties": {"page": _NAME, "version": {"type": "integer"}}}
_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": '^"?[0-9]{1,9}"?$'},
    "description": "The version that the change was made on; without it a page is created.",
}


def _json(schema: dict[str, Any], told: str) -> dict[str, Any]:
    return {"description": told, "content": {"application/json": {"schema": schema}}}


def _list(of: dict[str, Any], told: str) -> dict[str, Any]:
    listed = {"type": "object", "properties": {"items": {"type": "array", "items": of}}}
    return {"responses": {"200": _json(listed, told)}}


_GONE = {"description": "There is no such page."}
_REFUSED = {
    "403": {"description": "The page is written in the configuration file, or the role operator is missing."},
    "409": {"description": "Another version is there: somebody was quicker. The answer has it under version."},
    "503": {"description": "The database cannot be reached: nothing was changed, try again."},
}
LIST_PAGES = _list(_PAGE, "The pages of the configuration file and those that were saved, in their order.")
LIST_PANELS = _list(
    {"type": "object"},
    "Name, title, page, width and options of every panel; may_change: whether who asks may save pages.",
)
GET_PAGE: dict[str, Any] = {"responses": {"200": _json(_PAGE, "The page."), "404": _GONE}}
DELETE_PAGE: dict[str, Any] = {
    "parameters": [_MATCH],
    "responses": {"204": {"description": "It is gone."}, "404": _GONE, "422": {"description": "A bad header."}}
    | _REFUSED,
}
PUT_PAGE: dict[str, Any] = {
    "parameters": [_MATCH],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["title"],
                    "additionalProperties": False,
                    "properties": {"page": _NAME, **_CONTENT},
                },
                "example": {"title": "Night watch", "panels": [{"panel": "equity", "width": 8}, {"panel": "cpu"}]},
            }
        },
    },
    "responses": {
        "200": _json(_SAVED, "The next version is stored."),
        "201": _json(_SAVED, "The page is new."),
        "413": {"description": "The body is too large."},
        "422": {"description": "Something in the body is not right; errors names each field."},
    }
    | _REFUSED,
}
