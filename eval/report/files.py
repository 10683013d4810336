"""The narrative as Markdown, as one HTML file, and as DOCX: the same words in each.

Text of models, runs and scenarios is escaped, so that it is shown letter by letter. A file is written beside its place
and moved there whole: a reader never meets half of one.
"""

import html
import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from eval.cost.narrative import narrate
from eval.cost.prose import Block, Bullets, Name, Narrative, Origins, Paragraph, Picture, Said, Span, Table, words
from eval.cost.result import Result
from eval.report.drawing import ReportError, extra, pngs, svgs

Format = Literal["html", "md", "docx"]
FORMATS: tuple[Format, ...] = ("html", "md", "docx")
_ENDINGS: Mapping[str, Format] = {".html": "html", ".htm": "html", ".md": "md", ".markdown": "md", ".docx": "docx"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&])")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # no XML holds these
_LONG_WORD = 20
_PIECE = re.compile(r"[^._/-]{1,16}[._/-]*|[._/-]+", re.DOTALL)  # of a long word, ending where it may break
_SHORT_TABLE = 8  # rows up to which a table is kept on one page
_PAGE_MM = (210, 297)  # A4
_MARGIN_MM = 18
_STYLE = """
:root { color-scheme: light; }
body { background: #fff; color: #1d2329; font: 15px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 60rem;
       padding: 2rem 1.5rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .5rem; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; }
.banner { border: 2px solid #b7791f; background: #fff8e6; padding: .7rem 1rem; margin: 1rem 0; font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0 1.2rem; font-size: .86rem; }
caption { text-align: left; font-weight: 600; padding: .2rem 0; }
th, td { border-bottom: 1px solid #d9dee2; padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top; }
td { min-width: 5.5rem; }
sup { color: #5c6770; font-size: .75em; line-height: 0; margin-left: .15rem; white-space: nowrap; }
ul.origins { columns: 2; font-size: .72rem; line-height: 1.3; list-style: none; padding: 0; }
.origins li { break-inside: avoid; } .origins b { display: inline-block; margin-right: .4em; min-width: 2.6em; }
figure { margin: 1rem 0; } figure svg { max-width: 100%; height: auto; }
figcaption { color: #5c6770; font-size: .82rem; }
.narrow { display: none; }
@media screen and (max-width: 600px) { .wide { display: none; } .narrow { display: block; } }
.appendix { font-size: .92rem; } .appendix table { font-size: .8rem; }
section:not(.appendix) + .appendix { border-top: 3px solid #d9dee2; margin-top: 3rem; }
@page { size: A4; margin: 14mm 13mm; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } h2, caption { break-after: avoid; }
  p, li { orphans: 3; widows: 3; }
  tr, figure, table.short { break-inside: avoid; } thead { break-after: avoid; }
  section:not(.appendix) + .appendix { break-before: page; border: 0; margin: 0; }
  .appendix { font-size: 8pt; } .appendix table { font-size: 6.5pt; }
  ul.origins { font-size: 5.8pt; line-height: 1.2; column-gap: 5mm; columns: 3; }
  .scroll { overflow: visible; } table { font-size: 7.5pt; width: 100%; }
  td { min-width: 0; } td, th { padding-right: .4rem; } thead { display: table-header-group; }
  figure svg { max-height: 78mm; width: 100%; } .banner { print-color-adjust: exact; } }
"""


def write(result: Result, format: Format, place: Path, order: Sequence[str] = ()) -> None:
    """Write the report of a result to a file. Raises ReportError where it cannot be made or written.

    `order` holds the targets by whose places options are coloured, as on the pages.
    """
    check_place(place, format)
    content = made(result, format, order)
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(place)
    except OSError as error:
        raise ReportError(f"The report cannot be written to {place} ({error.strerror}).") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def check_place(place: Path, format: Format) -> None:
    """Raise ReportError where a path names no file, or its ending is that of another format."""
    example = f"name one, such as rightsize-report.{format}"
    if place.name in ("", "..") or place.is_dir():
        raise ReportError(f'"{place}" is a folder and not a file to write the report to; {example}.')
    other = _ENDINGS.get(place.suffix.lower(), format)
    if other != format:
        raise ReportError(
            f'"{place}" ends like {other}, and the format is {format}; write --format {other}, or {example}.'
        )


def made(result: Result, format: Format, order: Sequence[str] = ()) -> bytes:
    """The report of a result as the content of a file, coloured by `order` as in `write`.

    Raises ReportError where a package for the format is missing.
    """
    narrative = narrate(result)
    if format == "md":
        return as_markdown(narrative).encode()
    if format == "html":
        wide, narrow = svgs(result, order), svgs(result, order, narrow=True)
        return as_html(narrative, {key: (wide[key], narrow[key]) for key in wide}).encode()
    return as_docx(narrative, pngs(result, order))


def ready(format: Format) -> None:
    """Raise ReportError where a package that a format needs is missing."""
    for module in {"md": (), "html": ("vl_convert",), "docx": ("vl_convert", "docx")}[format]:
        extra(module)


def _clean(text: str) -> str:
    return _CONTROL.sub("\ufffd", text)


def _text(span: Span) -> str:
    match span:
        case str():
            return _clean(span)
        case Name() | Said():
            return _clean(span.text)
        case _:
            return _clean(words(span))


# --- Markdown ---------------------------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def as_markdown(narrative: Narrative) -> str:
    """The narrative as Markdown, tags in brackets; its charts are left out, their numbers stand in the tables."""
    lines = [f"# {_escaped(narrative.title)}", ""]
    lines += [f"> **{_escaped(narrative.banner)}**", ""] if narrative.banner else []
    for section in narrative.sections:
        lines += [f"## {section.title}", ""]
        for block in section.blocks:
            lines += [*_markdown(block, narrative), ""] if not isinstance(block, Picture) else []
    return "\n".join(lines).rstrip() + "\n"


def _in_markdown(span: Span, narrative: Narrative) -> str:
    text = _text(span)
    shown = text if isinstance(span, str) else _escaped(text)
    return f"{shown} \\[{narrative.tag(span)}\\]" if not isinstance(span, str | Name) else shown


def _markdown(block: Block, narrative: Narrative) -> list[str]:
    def said(parts: tuple[Span, ...]) -> str:
        return "".join(_in_markdown(span, narrative) for span in parts)

    match block:
        case Paragraph():
            return [said(block.spans)]
        case Bullets():
            return [f"- {said(item)}" for item in block.items]
        case Table():
            head = " | ".join(_escaped(_text(heading)) for heading in block.headings)
            rows = [f"| {' | '.join(_in_markdown(cell, narrative) for cell in row)} |" for row in block.rows]
            return [f"**{block.caption}**", "", f"| {head} |", "|" + " --- |" * len(block.headings), *rows]
        case Origins():
            return [f"**{block.caption}**", "", *(f"- {tag.text} {_escaped(_text(its))}" for tag, its in block.entries)]
        case Picture():
            return []


# --- HTML -------------------------------------------------------------------------------------------------------------


def as_html(narrative: Narrative, pictures: Mapping[str, tuple[str, str]]) -> str:
    """The narrative as one HTML file without any script or outside address.

    `pictures` holds its charts as SVG, each for a wide and for a narrow window.
    """
    title = html.escape(_clean(narrative.title))
    body = [f"<h1>{title}</h1>"]
    if narrative.banner:
        body.append(f'<p class="banner">{html.escape(narrative.banner)}</p>')
    for section in narrative.sections:
        mark = ' class="appendix"' if section.appendix else ""
        body.append(f"<section{mark}><h2>{html.escape(section.title)}</h2>")
        body += [_html(block, narrative, pictures) for block in section.blocks]
        body.append("</section>")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _in_html(span: Span, narrative: Narrative) -> str:
    whole = _text(span).replace(" %", "\u00a0%").replace(", n = ", ", n\u00a0=\u00a0")
    text = " ".join(_breakable(word) for word in whole.split(" "))
    if isinstance(span, str | Name):
        return text
    return f'{text}<sup title="{html.escape(_clean(f"{span.kind}: {span.origin}"))}">{narrative.tag(span)}</sup>'


def _breakable(word: str) -> str:
    """A word, escaped; a long one, such as a path or a hash, with places where a line may break."""
    if len(word) <= _LONG_WORD:
        return html.escape(word)
    return "<wbr>".join(html.escape(piece) for piece in _PIECE.findall(word))


def _html(block: Block, narrative: Narrative, pictures: Mapping[str, tuple[str, str]]) -> str:
    def said(parts: tuple[Span, ...]) -> str:
        return "".join(_in_html(span, narrative) for span in parts)

    match block:
        case Paragraph():
            return f"<p>{said(block.spans)}</p>"
        case Bullets():
            return "<ul>" + "".join(f"<li>{said(item)}</li>" for item in block.items) + "</ul>"
        case Table():
            head = "".join(f"<th>{html.escape(_text(heading))}</th>" for heading in block.headings)
            rows = ["<tr>" + "".join(f"<td>{said((cell,))}</td>" for cell in row) + "</tr>" for row in block.rows]
            caption = f"<caption>{html.escape(block.caption)}</caption>"
            short = ' class="short"' if len(rows) <= _SHORT_TABLE else ""
            body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
            return f'<div class="scroll"><table{short}>{caption}{body}</table></div>'
        case Origins():
            items = "".join(f"<li><b>{tag.text}</b>{_in_html(its, narrative)}</li>" for tag, its in block.entries)
            return f'<p><b>{html.escape(block.caption)}</b></p><ul class="origins">{items}</ul>'
        case Picture():
            if block.key not in pictures:
                return ""
            caption = f"<figcaption>{html.escape(block.words)}</figcaption>"
            wide, narrow = pictures[block.key]
            return f'<figure><div class="wide">{wide}</div><div class="narrow">{narrow}</div>{caption}</figure>'


# --- DOCX -------------------------------------------------------------------------------------------------------------


def as_docx(narrative: Narrative, pictures: Mapping[str, bytes]) -> bytes:
    """The narrative as a Word document; `pictures` holds its charts as PNG."""
    docx = extra("docx")
    document = docx.Document()
    for page in document.sections:
        page.page_width, page.page_height = docx.shared.Mm(_PAGE_MM[0]), docx.shared.Mm(_PAGE_MM[1])
        page.left_margin = page.right_margin = docx.shared.Mm(_MARGIN_MM)
    document.core_properties.title = _clean(narrative.title)
    document.add_heading(_clean(narrative.title), 0)
    if narrative.banner:
        document.add_paragraph().add_run(narrative.banner).bold = True

    def fill(paragraph: object, parts: tuple[Span, ...]) -> None:
        for span in parts:
            paragraph.add_run(_text(span))  # pyright: ignore[reportAttributeAccessIssue]
            if not isinstance(span, str | Name):
                tag = paragraph.add_run(f" {narrative.tag(span)}")  # pyright: ignore[reportAttributeAccessIssue]
                tag.font.superscript = True

    for section in narrative.sections:
        document.add_heading(section.title, 1)
        for block in section.blocks:
            match block:
                case Paragraph():
                    fill(document.add_paragraph(), block.spans)
                case Bullets():
                    for item in block.items:
                        fill(document.add_paragraph(style="List Bullet"), item)
                case Table():
                    _docx_table(document, block, fill, docx.shared.Pt(8))
                case Origins():
                    document.add_paragraph().add_run(block.caption).bold = True
                    _docx_origins(document, block, docx.shared.Pt(6))
                case Picture() if block.key in pictures:
                    width = docx.shared.Mm(_PAGE_MM[0] - 2 * _MARGIN_MM)
                    shape = document.add_picture(io.BytesIO(pictures[block.key]), width=width)
                    shape._inline.docPr.set(
                        "descr", block.words
                    )  # python-docx has no other way to the alternative text
                    document.add_paragraph(block.words, style="Caption")
    content = io.BytesIO()
    document.save(content)
    return content.getvalue()


def _docx_origins(document: object, block: Origins, size: object) -> None:
    """One line an origin, in small print and without room between the lines."""
    paragraph = document.add_paragraph()  # pyright: ignore[reportAttributeAccessIssue]
    for i, (tag, origin) in enumerate(block.entries):
        run = paragraph.add_run(f"{tag.text} {_text(origin)}")
        run.font.size = size
        if i + 1 < len(block.entries):
            run.add_break()


def _docx_table(document: object, block: Table, fill: Callable[[object, tuple[Span, ...]], None], size: object) -> None:
    caption = document.add_paragraph()  # pyright: ignore[reportAttributeAccessIssue]
    caption.add_run(block.caption).bold = True
    caption.paragraph_format.keep_with_next = True
    header = extra("docx.oxml").OxmlElement("w:tblHeader")
    table = document.add_table(rows=1, cols=len(block.headings), style="Table Grid")  # pyright: ignore
    table.rows[0]._tr.get_or_add_trPr().append(header)  # repeated on each page, and read out as the headings
    for cell, heading in zip(table.rows[0].cells, block.headings, strict=True):
        cell.paragraphs[0].add_run(_text(heading)).bold = True
    for row in block.rows:
        for cell, span in zip(table.add_row().cells, row, strict=True):
            fill(cell.paragraphs[0], (span,))
    for row in table.rows:
        for cell in row.cells:
            for run in cell.paragraphs[0].runs:
                run.font.size = size
