"""Shows text that a model wrote, as text: no markdown, no HTML, nothing that loads from elsewhere.

A small component sets the text of nodes and of marks around quotes (highlight.py cuts them); it never parses anything.
"""

from collections.abc import Sequence

from streamlit.components.v2 import component

from dashboard.highlight import Mark, cut

LINES = {"coherence": "straight", "factuality": "dashed", "conciseness": "dotted"}  # colours are for targets

_CSS = """
.text {
  white-space: pre-wrap; overflow-wrap: anywhere; font-family: var(--st-font); font-size: var(--st-base-font-size);
  line-height: 1.6; color: var(--st-text-color); max-width: 46rem;
}
.lead { font-size: 1.15em; font-weight: 600; line-height: 1.45; }
.empty { opacity: 0.7; font-style: italic; }
mark {
  color: inherit; border-radius: 0.2em; padding: 0.05em 0;
  background: color-mix(in srgb, var(--st-text-color) 10%, transparent);
  text-decoration: underline wavy 0.09em; text-underline-offset: 0.22em;
}
mark.straight { text-decoration-style: solid; }
mark.dashed { text-decoration-style: dashed; }
mark.dotted { text-decoration-style: dotted; }
mark.several { text-decoration-style: double; }
"""

_JS = """
export default function ({ data, parentElement }) {
  const box = parentElement.querySelector(".text")
  box.classList.toggle("lead", data.lead)
  box.classList.toggle("empty", data.pieces.length === 0)
  if (data.pieces.length === 0) {
    box.textContent = data.nothing
    return
  }
  box.replaceChildren(...data.pieces.map((piece) => {
    if (!piece.title) return document.createTextNode(piece.text)
    const mark = document.createElement("mark")
    mark.className = piece.look
    mark.title = piece.title
    mark.textContent = piece.text
    return mark
  }))
}
"""

_COMPONENT = component(
    "rightsize_answer_text", html='<div class="text"></div>\n<!-- filled by the script -->', css=_CSS, js=_JS
)


def answer_text(
    text: str, *, key: str, marks: Sequence[Mark] = (), nothing: str = "The answer is empty.", lead: bool = False
) -> None:
    """Show a text letter by letter, with the quotes found in it marked and named on hover.

    `nothing` is said where the text is empty; `lead` makes it stand out like a heading.
    """
    pieces = [
        {
            "text": piece.text,
            "title": "\n".join(dict.fromkeys(mark.label for mark in piece.marks)),
            "look": " ".join([LINES.get(piece.marks[0].kind, ""), "several" if len(piece.marks) > 1 else ""]).strip()
            if piece.marks
            else "",
        }
        for piece in cut(text, marks)
    ]
    _COMPONENT(data={"pieces": pieces if text.strip() else [], "nothing": nothing, "lead": lead}, key=key)
