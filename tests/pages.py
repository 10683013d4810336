"""Opens a page of the dashboard on a database without a browser."""

import json
from pathlib import Path
from typing import Any

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

SCRIPT = Path(__file__).parents[1] / "dashboard" / "main.py"


def open_page(monkeypatch: pytest.MonkeyPatch, url: str, page: str, **query: str) -> AppTest:
    """The page as it is first drawn at an address; `page` is the file's name without ending."""
    monkeypatch.setenv("RIGHTSIZE_DB", url)
    streamlit.cache_data.clear()
    streamlit.cache_resource.clear()
    app = AppTest.from_file(str(SCRIPT), default_timeout=60)
    app.run()
    app.query_params.clear()  # what the first page wrote; a browser drops it on the way to another
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page(f"app_pages/{page}.py").run()
    assert not app.exception, app.exception[0].message
    return app


def button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def press(app: AppTest, label: str) -> AppTest:
    """The page after a click on a button."""
    button(app, label).click().run()
    assert not app.exception, app.exception[0].message
    return app


def texts(app: AppTest) -> list[str]:
    """What the components that show text as text are given, in their order."""
    return [
        "".join(piece["text"] for piece in pieces(element)) for element in app.get("bidi_component") if _shows(element)
    ]


def marked(app: AppTest) -> list[tuple[str, str]]:
    """Every marked passage in the page's texts, with the tooltip that says whose it is."""
    shown = [piece for element in app.get("bidi_component") if _shows(element) for piece in pieces(element)]
    return [(piece["text"], piece["title"]) for piece in shown if piece["title"]]


def pieces(element: Any) -> list[dict[str, str]]:
    return json.loads(element.proto.json)["pieces"]


def _shows(element: Any) -> bool:
    return element.proto.component_name == "rightsize_answer_text"


def parsed(app: AppTest) -> str:
    """All text on the page that Streamlit reads as markdown, labels and tooltips included."""
    found: list[str] = []

    def walk(message: Any) -> None:
        for field, value in message.ListFields():
            if field.message_type and not field.is_repeated:
                walk(value)
            elif isinstance(value, str) and field.name not in ("js_content", "json", "html_content", "css_content"):
                found.append(value)

    for element in _all(app.main.root):
        if element.type not in ("text", "code", "bidi_component", "arrow_vega_lite_chart"):
            walk(element.proto)
    return "\n".join(found)


def sent(app: AppTest) -> str:
    """Everything the page sends to the browser, keys of elements included."""
    return "\n".join(str(element.proto) for element in _all(app.main.root))


def _all(node: Any) -> list[Any]:
    children = getattr(node, "children", None)
    here = [node] if getattr(node, "proto", None) is not None else []
    return here + [below for child in (children or {}).values() for below in _all(child)]
