"""Keys for scoring: 1 to 5 score the criterion in focus, Enter saves, letters press the other buttons.

A key does what a click on the page's own controls does, so the page works the same by mouse, and nothing is kept
here. Keys are left alone while someone types.
"""

from collections.abc import Mapping
from pathlib import Path

from streamlit.components.v2 import component

_COMPONENT = component(
    "rightsize_hotkeys",
    html='<p class="rightsize-hint" role="status" aria-live="polite"></p>\n<!-- filled by the script -->',
    css="""
.rightsize-hint { min-height: 1.4em; margin: 0; font-size: 0.875rem; opacity: 0.8; }
[class*="st-key-score-criterion-"], [class*="st-key-score-note-"], .st-key-score-top { scroll-margin: 5rem 0 8rem; }
[class*="st-key-score-criterion-"] { border-left: 3px solid transparent; padding-left: 0.75rem; }
[class*="st-key-score-criterion-"]:focus-within { border-left-color: var(--rightsize-focus, #3f86d0); }
""",
    js=Path(__file__).with_name("hotkeys.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)

KEYS = {
    "1 to 5": "score the criterion in focus and go to the next",
    "0": "this criterion cannot be judged",
    "up, down": "go to another criterion",
    "Enter": "save and show the next answer",
    "N": "write a note (Esc leaves it, Ctrl+Enter saves)",
    "S": "skip this answer for now",
    "B": "back to the answer before",
    "U": "undo the last save",
    "F": "flag for a second look",
    "?": "show these keys",
}
PAIR_KEYS = {"1, 2, 3": "the left answer is better, both are the same, the right one is better"} | {
    key: KEYS[key] for key in ("Enter", "N", "S", "B", "U", "?")
}


def hotkeys(place: str, criteria: Mapping[str, str], note: str, buttons: Mapping[str, str], top: str) -> None:
    """Listen for keys on this page.

    `place` changes with every answer, `criteria` gives each criterion's container key and label, `note` the key of the
    note, `buttons` the key of the button for "Enter" and for each letter; `top` is the container to bring into view
    when the answer changes.
    """
    _COMPONENT(
        data={
            "place": place,
            "groups": [{"key": key, "label": label} for key, label in criteria.items()],
            "note": note,
            "buttons": dict(buttons),
            "top": top,
        },
        key="score-hotkeys",
    )
