"""From an executed notebook to the parts of a page: Markdown with MathML, pictures inline, no scripts."""

from __future__ import annotations

import base64
import html
import io
import re
from typing import Any

from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from wbclib.files import UserError
from wbclib.report.execute import ANSI
from wbclib.report.notebooks import tagged

WIDGET = "application/vnd.jupyter.widget-view+json"


def mathml(tex: str, display: str) -> str:
    """TeX as MathML, which browsers draw without a script; ``display`` is ``inline`` or ``block``."""
    try:
        return convert(html.unescape(tex).strip(), display=display)
    except Exception as error:  # latex2mathml raises many kinds
        raise UserError(f"cannot turn ${tex.strip()}$ into MathML ({type(error).__name__}): simplify it") from error


class _Renderer(IPythonRenderer):
    """nbconvert's Markdown, with formulas as MathML and wide tables in boxes of their own."""

    def inline_math(self, body: str) -> str:
        return mathml(body, "inline")

    def block_math(self, body: str) -> str:
        return f'<div class="scroll">{mathml(body, "block")}</div>'

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")


def markdown(text: str, attachments: dict[str, Any] | None = None) -> str:
    """Markdown (tables, footnotes, formulas) as HTML."""
    renderer = _Renderer(escape=False, exclude_anchor_links=True, attachments=attachments)
    return clean(str(MarkdownWithMath(renderer=renderer).render(text)))


def clean(text: str) -> str:
    """HTML without scripts, frames and anything that is fetched; each table scrolls in a box of its own."""
    soup = BeautifulSoup(text, "html.parser")
    for element in soup.find_all(["script", "iframe", "link", "object", "embed", "style", "meta"]):
        element.decompose()
    for element in soup.find_all(src=True):
        if not str(element["src"]).startswith("data:"):
            element.decompose()
    for element in soup.find_all(True):
        for name in [name for name in element.attrs if name.startswith("on")]:
            del element[name]
    for table in soup.find_all("table"):
        for name in ("border", "style"):
            table.attrs.pop(name, None)
        parent = table.parent
        if parent is None or "scroll" not in (parent.get("class") or []):
            table.wrap(soup.new_tag("div", attrs={"class": "scroll"}))
    for paragraph in soup.find_all("p"):  # a display formula is a block: no paragraph around it
        if paragraph.find("div", recursive=False):
            paragraph.name = "div"
    return str(soup)


def plain(text: str) -> str:
    """Text without ANSI colours and without what a carriage return has overwritten."""
    return "\n".join(line.rsplit("\r", 1)[-1] for line in ANSI.sub("", text).replace("\r\n", "\n").split("\n"))


def picture(mime: str, data: str, alt: str) -> str:
    """A picture within the page."""
    if mime == "image/svg+xml":
        data = base64.b64encode(data.encode()).decode()
    data = "".join(data.split())
    wide = ' class="wide"' if mime == "image/png" and png_width(data) > 700 else ""
    return f'<img src="data:{mime};base64,{data}" alt="{html.escape(alt, quote=True)}"{wide} loading="lazy">'


def png_width(data: str) -> int:
    """Width in pixels of a PNG (base64): bytes 16 to 20 of every PNG."""
    return int.from_bytes(base64.b64decode(data[:32])[16:20], "big")


def output(out: NotebookNode, alt: str) -> str:
    """One output as HTML; what only a live notebook can show (progress bars, widgets, stderr) is left out."""
    if out.output_type == "stream":
        text = plain(out.text).strip("\n") if out.name == "stdout" else ""
        return f"<pre>{html.escape(text)}</pre>" if text else ""
    if out.output_type == "error":
        return f'<pre class="failure">{html.escape(plain(chr(10).join(out.traceback)))}</pre>'
    data = out.data
    if WIDGET in data:
        return ""
    for mime in ("image/svg+xml", "image/png", "image/jpeg", "image/gif"):
        if mime in data:
            about = out.metadata.get(mime)
            return f'<div class="scroll">{picture(mime, data[mime], (about or {}).get("alt") or alt)}</div>'
    if "text/html" in data:
        return clean(data["text/html"])
    if "text/markdown" in data:
        return markdown(data["text/markdown"])
    if "text/latex" in data:
        return markdown(data["text/latex"])
    text = plain(data.get("text/plain", ""))
    return f"<pre>{html.escape(text)}</pre>" if text else ""


def code(source: str) -> str:
    """Python with classes for its colours."""
    return highlight(source, PythonLexer(), HtmlFormatter(cssclass="source"))


def cells(notebook: NotebookNode) -> list[dict[str, Any]]:
    """What the template shows of each cell: kind, tags, code, outputs (HTML)."""
    shown, heading = [], "figure"
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            found = re.findall(r"^#+ +(.+)$", cell.source, flags=re.MULTILINE)
            heading = found[-1].strip() if found else heading
            shown.append({"kind": "markdown", "html": markdown(cell.source, cell.get("attachments")), "tags": tags})
        elif cell.cell_type == "code" and cell.source.strip():
            outputs = [text for out in cell.outputs if (text := output(out, f"Figure: {heading}"))]
            lines = len(cell.source.splitlines())
            shown.append({"kind": "code", "html": code(cell.source), "lines": lines, "outputs": outputs, "tags": tags})
    return shown


def title(notebook: NotebookNode, name: str) -> str:
    """The first heading, without the notebook's number; its file name where there is none."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := re.search(r"^# +(.+)$", cell.source, flags=re.MULTILINE)):
            return re.sub(r"^\d+\s*[-·.:–—]*\s*", "", found[1]).strip()
    return name


def question(notebook: NotebookNode) -> str:
    """The block quote of the first Markdown cell: what the notebook asks."""
    first = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    return " ".join(line.lstrip("> ").strip() for line in first.splitlines() if line.startswith(">"))


def first_sentence(text: str) -> str:
    """The first sentence of a text, without Markdown's list, heading and quote marks."""
    text = " ".join(re.sub(r"^\s*([>#*-]+\s+)+", "", line) for line in text.strip().splitlines() if line.strip())
    found = re.match(r".+?[.!?](?=\s|$)", text)
    return found[0] if found else text


def learnt(notebook: NotebookNode) -> str:
    """The first sentence of what the cell tagged ``learnt`` printed or displayed; else the question."""
    for cell in tagged(notebook, "learnt"):
        if cell.cell_type == "markdown":
            return first_sentence(cell.source)
        for out in cell.outputs:
            data = out.get("data", {})
            printed = out.text if out.output_type == "stream" and out.name == "stdout" else ""
            text = data.get("text/markdown") or printed or ("" if "text/html" in data else data.get("text/plain", ""))
            if text.strip():
                return first_sentence(plain(text))
    return question(notebook)


def cover(notebook: NotebookNode, width: int = 720) -> str:
    """The first picture of the cell tagged ``cover``, made small, as HTML; empty where there is none."""
    for cell in tagged(notebook, "cover"):
        for out in cell.get("outputs", []):
            if "image/png" in out.get("data", {}):
                about = out.metadata.get("image/png") or {}
                return picture("image/jpeg", _small(out.data["image/png"], width), about.get("alt") or "")
    return ""


def _small(data: str, width: int) -> str:
    image = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.width > width:
        image = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85, optimize=True)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def executed_seconds(notebook: NotebookNode) -> float | None:
    """How long the execution took, as papermill noted."""
    return notebook.metadata.get("papermill", {}).get("duration")
