"""Numbers that a reader types: what they can mean, and whether they are right."""

import math
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cnnlib import widgets

pytest_plugins = ["tests.browser"]
VIEW = Path(widgets.__file__).parent / "shared" / "view"


@pytest.fixture(scope="module")
def read(open_module):
    """What a text can mean: a list of numbers."""
    page = open_module(VIEW / "dom.js", "dom")
    return lambda text: page.evaluate("text => dom.readings(text)", text)


@pytest.fixture(scope="module")
def judge(open_module):
    """judge(typed, answer, slips): "right", "close", the sentence of a slip, or None."""
    open_module(VIEW / "dom.js", "dom")
    page = open_module(VIEW / "judge.js", "judging")

    def judge(typed, answer, *slips, **options):
        verdict = page.evaluate(
            "([typed, answer, slips, options]) =>"
            " judging.judge(dom.readings(typed), answer, slips, options)",
            [typed, answer, slips, options],
        )
        return "right" if verdict["right"] else verdict["sentence"]

    return judge


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3),
        (" +3 ", 3),
        ("−1.5", -1.5),
        ("- 2", -2),
        ("–2", -2),
        (",5", 0.5),
        (".5", 0.5),
        ("5.", 5),
        ("0,125", 0.125),
        ("3,14", 3.14),
        ("1,0000", 1),
        ("1/9", 1 / 9),
        ("−1/9", -1 / 9),
        ("1⁄4", 0.25),
        ("12%", 0.12),
        ("98,5 %", 0.985),
        ("1,638,400", 1638400),
        ("1.638.400", 1638400),
        ("1,234.5", 1234.5),
        ("1.234,5", 1234.5),
        ("73 856", 73856),
        ("73\u2009856", 73856),
        ("73\u202f856", 73856),
        ("73\u00a0856", 73856),
        ("73'856", 73856),
        ("73’856", 73856),
        ("1_638_400", 1638400),
        ("1e3", 1000),
        ("4e+8", 4e8),
        ("1e−5", 1e-5),
        ("1.5E-05", 1.5e-5),
        ("4·10^8", 4e8),
        ("4×10⁸", 4e8),
        ("2 x 10⁻³", 0.002),
        ("2*10**-3", 0.002),
        ("3×10", 30),
        ("1,000/100,0", None),
    ],
)
def test_a_number_is_read_however_it_is_written(read, text, number):
    if number is not None:
        assert read(text) == [number]
    else:
        assert sorted(read(text)) == [0.01, 10]


def test_a_comma_that_can_be_two_things_is_read_as_both(read):
    assert sorted(read("73,856")) == [73.856, 73856]
    assert sorted(read("−1,000")) == [-1000, -1]


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "-", "+", ".", ",", "/", "1/", "/9", "1/2/3", "1/0", "x", "1x", "%", "1 2"],
        *["1 0000", "12,34,567", "1.2.3", "--1", "1e", "e3", "Infinity", "NaN", "0x10", "1e999"],
        "1,00,000",
    ],
)
def test_what_is_no_number_is_not_read(read, text):
    assert read(text) == []


@given(
    st.integers(-10, 10**8), st.sampled_from(["{:,}", "{:_}", "{}", "{:+}", "{:.1f}", "{:,.2f}"])
)
def test_a_number_is_read_as_python_writes_it(read, number, how):
    assert number in read(how.format(number))


@given(st.floats(-1e9, 1e9))
def test_a_number_is_read_as_the_pages_write_it(open_module, number):
    page = open_module(VIEW / "dom.js", "dom")
    texts, read = page.evaluate(
        """number => {
            const texts = [dom.format(number, 12), dom.format(number), dom.brief(number),
                number.toLocaleString("en-US", { maximumFractionDigits: 4 }),
                number.toExponential(3)];
            return [texts, texts.map((text) => dom.readings(text))];
        }""",
        number,
    )
    exact = [round(number, 12), round(number, 4), None, round(number, 4), None]
    for text, values, value in zip(texts, read, exact, strict=True):
        assert values, text
        near = number if value is None else value
        slack = 0.5 * 10 ** math.floor(math.log10(abs(number) or 1)) if value is None else 1e-9
        slack = max(slack, 1e-9 * abs(number), 0.0051 if value is None else 0)
        assert any(abs(one - near) <= slack for one in values), text


def test_two_decimals_are_enough_where_no_slip_is_near(judge):
    assert judge("0.39", 100 / 255, [1, "Cut off."]) == "right"
    assert judge("0.3984", 100 / 255, [1, "Cut off."]) is None


def test_a_slip_beside_the_answer_is_named_and_not_taken_for_it(judge):
    slip = [254 / 256, "Divide by 255."]
    assert judge("0.9922", 254 / 255, slip) == "Divide by 255."
    assert judge("0.9961", 254 / 255, slip) == "right"
    assert judge("254/255", 254 / 255, slip) == "right"
    assert judge("1", 254 / 255, slip) == "Close. Give it to 3 decimals."


def test_a_slip_that_leads_to_the_answer_is_never_named(judge):
    assert judge("6", 6, [6, "Row first."]) == "right"
    assert judge("6.004", 6.00001, [6, "Row first."]) == "right"


def test_two_slips_with_one_value_are_both_named(judge):
    assert judge("4", 6, [4, "One."], [4, "Two."], [4, "One."]) == "One. Or: Two."


def test_every_reading_counts(judge):
    assert judge("73,856", 73856) == "right"
    assert judge("73,856", 73.856) == "right"
    assert judge("73,856", 5, [73856, "All of them."]) == "All of them."


@given(st.floats(-10, 10), st.floats(-0.05, 0.05))
@example(0.0005, 0.0005)
@example(1.8828125, -0.0027)
def test_no_rounding_of_a_slip_is_right(judge, answer, gap):
    """Unless no page shows the two apart."""
    slip = answer + gap
    if abs(gap) <= 1.1e-4:
        return
    for digits in (4, 5, 6):
        assert judge(f"{answer:.{digits}f}", answer, [slip, "No."]) == "right"
        assert judge(f"{slip:.{digits}f}", answer, [slip, "No."]) == "No."
    asked = next((d for d in (2, 3) if abs(slip - answer) > 10**-d + 1e-9), 4)
    for digits in (2, 3):
        rounded = f"{answer:.{digits}f}"  # may be the slip as well, to the decimals that are asked
        if abs(float(rounded) - slip) > 10**-asked / 2 + 2e-9:
            assert judge(rounded, answer, [slip, "No."]) != "No."
