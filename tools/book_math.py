"""Formulas become MathML when the book is built, so that a page needs no script to show them."""

import re
import xml.etree.ElementTree as xml
from html import escape, unescape

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)
CONVERTER = LatexToMathML(xml_namespace=True, fancy_error=False)

# The height of a row and the place of a table: math_core would print them.
PLACES = re.compile(r"(\\\\|\\begin\{[a-z]+\*?\})\[[^]\n]*\]")
# Sphinx counts the equations, by their labels; math_core would begin with 1 in each formula.
COUNTED = re.compile(r"\\(begin|end)\{(equation|align|gather|multline)\}")
SPACE = "http://www.w3.org/1998/Math/MathML"
PRIMES = ("′", "″", "‴")
xml.register_namespace("", SPACE)
NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot);)\w+;")  # XHTML does not know these


def mathml(tex: str, display: bool) -> str:
    """Return a formula as MathML, with the TeX it is made from; raise LatexError if it has none."""
    plain = COUNTED.sub(r"\\\1{\2*}", PLACES.sub(r"\1", tex)).replace("{split}", "{aligned}")
    if r"\\" in plain and r"\begin" not in plain:
        plain = rf"\begin{{aligned}}{plain}\end{{aligned}}"
    formula = CONVERTER.convert_with_local_state(plain, displaystyle=display)
    math = xml.fromstring(NAMED.sub(lambda name: unescape(name[0]), formula))
    for power in math.iter(f"{{{SPACE}}}msup"):
        if power[1].text in PRIMES:  # which are small and high as they are
            power.tag = f"{{{SPACE}}}mrow"
    row = xml.Element("mrow")
    row[:], math[:] = math[:], []
    semantics = xml.SubElement(math, "semantics")
    semantics.append(row)
    source = xml.SubElement(semantics, "annotation", encoding="application/x-tex")
    source.text = tex
    return xml.tostring(math, "unicode")


def show(translator: HTML5Translator, node: nodes.Element, tex: str, display: bool) -> None:
    """Add a formula to the page; if it has no MathML, add its TeX and let the build fail."""
    try:
        formula = mathml(tex, display)
    except LatexError as error:
        where, what = str(error).split(": ", 1)
        text = "the formula %s has no MathML: at character %s, %s"
        LOGGER.warning(text, " ".join(tex.split()), where, what, location=node)
        formula = f"<code>{escape(tex)}</code>"
    translator.body.append(formula)


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula inside a line."""
    translator.body.append(
        translator.starttag(node, "span", "", CLASS="math notranslate nohighlight")
    )
    show(translator, node, node.astext(), display=False)
    translator.body.append("</span>")
    raise nodes.SkipNode


def visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula that stands alone, with its number if it has one; blank lines part them."""
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("<div>")
    for part in re.split(r"\n\s*\n", node.astext().strip()):
        show(translator, node, part, display=True)
    translator.body.append("</div></div>\n")
    raise nodes.SkipNode


def leave_source_out(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Keep the TeX of a formula in a heading out of the page's name, which loses its tags."""
    context["title"] = re.sub(r"<annotation.*?</annotation>", "", context.get("title", ""))


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.connect("html-page-context", leave_source_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
