"""A formula becomes MathML that a browser draws as TeX would, and keeps its source."""

import re
import subprocess
import sys
import xml.etree.ElementTree as xml
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from math_core import LatexError

from tests.test_book_site import checkout, no_variables  # noqa: F401 (fixtures)
from tools.book_files import ITALIC
from tools.book_math import mathml

pytest_plugins = ["tests.browser"]
HEAD = '<math xmlns="http://www.w3.org/1998/Math/MathML"'


@pytest.mark.parametrize(
    ("tex", "part"),
    [
        (r"\frac{1}{2}", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (r"\sum_{i} x", '<munder><mo lspace="0">∑</mo><mi>i</mi></munder>'),
        ("x_i^2", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"),
        (r"\text{a b}", "<mtext>a\u00a0b</mtext>"),
        (r"\boxed{x}", '<menclose notation="box"><mi>x</mi></menclose>'),
        (r"\textcolor{red}{x}", '<mrow style="color:#FF0000;"><mi>x</mi></mrow>'),
        ("f'", "<mrow><mi>f</mi><mo>′</mo></mrow>"),
        (r"\operatorname{softmax}(x)", "</mrow><mo>\u2061</mo>"),
    ],
)
def test_a_formula_is_built_of_its_parts(tex, part):
    formula = mathml(tex, display=True)
    assert formula.startswith(f'{HEAD} display="block">')
    assert part in formula
    assert mathml(tex, display=False).startswith(f"{HEAD}>")


@pytest.mark.parametrize(
    ("tex", "rows"),
    [
        (r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}", [["1", "2"], ["3", "4"]]),
        (r"\begin{cases} 1 & x \\ 0 & y \end{cases}", [["1", "x"], ["0", "y"]]),
        (r"\begin{gathered} a \\[1ex] b \end{gathered}", [["a"], ["b"]]),
        (r"\begin{aligned}[t] a &= b \\ c &= d \end{aligned}", [["a", "=b"], ["c", "=d"]]),
        (r"\begin{split} a &= b \\ &= c \end{split}", [["a", "=b"], ["", "=c"]]),
        (r"a &= b \\ &= c", [["a", "=b"], ["", "=c"]]),
    ],
)
def test_rows_stand_below_each_other_and_their_heights_are_not_printed(tex, rows):
    math = xml.fromstring(mathml(tex, display=True))
    found = [
        ["".join(cell.itertext()) for cell in row if cell.tag.endswith("mtd")]
        for row in math.iter("{http://www.w3.org/1998/Math/MathML}mtr")
    ]
    assert found == rows


def test_equations_are_numbered_by_sphinx_alone():
    for name in ("align", "equation", "gather", "multline"):
        assert "(1)" not in mathml(rf"\begin{{{name}}} a = b \end{{{name}}}", display=True)


@pytest.mark.parametrize("tex", [r"a < b \& c > d", r"\frac{1}{2}", r"\text{two words}", "x'"])
def test_the_source_is_kept_to_the_letter(tex):
    math = xml.fromstring(mathml(tex, display=False))
    (source,) = math.iter("{http://www.w3.org/1998/Math/MathML}annotation")
    assert source.attrib == {"encoding": "application/x-tex"}
    assert source.text == tex


@pytest.mark.parametrize("tex", [r"\foo", r"\frac{1}{2", "a & b", r"\begin{nothing} \end{nothing}"])
def test_what_has_no_mathml_is_refused(tex):
    with pytest.raises(LatexError):
        mathml(tex, display=False)


def test_a_formula_without_mathml_fails_the_build_which_names_it_and_its_page(checkout):  # noqa: F811
    (checkout / "_toc.yml").write_text("{format: jb-book, root: bad}")
    (checkout / "bad.md").write_text("# Bad\n\nA line.\n\nHere $\\foo{x}$ stands.\n")
    command = [
        Path(sys.executable).parent / "jupyter-book",
        "build",
        checkout,
        "-W",
        "--keep-going",
    ]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode
    assert re.search(
        r"bad\.md:5.*the formula \\foo\{x\} has no MathML.*\\foo", made.stdout + made.stderr
    )


def test_an_equation_has_its_number_and_a_reference_leads_to_it(checkout):  # noqa: F811
    (checkout / "_toc.yml").write_text("{format: jb-book, root: good}")
    text = "# Good $x^2$\n\nBy {eq}`mine` it follows.\n\n$$\na = b\n$$ (mine)\n"
    (checkout / "good.md").write_text(text)
    command = [Path(sys.executable).parent / "jupyter-book", "build", checkout, "-W"]
    subprocess.run(command, check=True, capture_output=True)
    page = (checkout / "_build" / "html" / "good.html").read_text("utf-8")
    assert '<span class="eqno">(1)<a class="headerlink" href="#equation-mine"' in page
    assert '<a class="reference internal" href="#equation-mine">(1)</a>' in page
    assert "<title>Good x2 " in page


def test_the_font_has_every_sign_of_the_book_and_can_stretch_it(book):
    style = (book / "_static" / "theme.css").read_text("utf-8")
    (data,) = re.findall(r'"Book Math"; src: url\(data:font/woff2;base64,([^)]*)\)', style)
    font = TTFont(BytesIO(b64decode(data)))
    assert len(b64decode(data)) < 40_000
    assert font["MATH"].table.MathVariants.VertGlyphCount > 5
    assert "OFL" in font["name"].getDebugName(14)
    signs, formulas = set(), 0
    for page in book.glob("chapters/*.html"):
        for formula in re.findall(r"<math\b.*?</math>", page.read_text("utf-8"), re.DOTALL):
            formulas += 1
            for part in xml.fromstring(formula).iter():
                if part.text and not part.tag.endswith("annotation"):
                    signs |= set(part.text)
                    if part.tag.endswith("mi") and len(part.text) == 1:
                        signs.add(ITALIC.get(part.text, part.text))
    assert formulas > 500
    assert "𝑥" in signs
    assert "∑" in signs
    assert {sign for sign in signs if ord(sign) not in font.getBestCmap()} <= {"\u2061"}
