"""What the prose of a chapter states: its numbers and its equations.

A number counts when it has two digits or more, a decimal point or a minus sign; 0 to 10 are words
of the language. It must be printed by a cell of the same chapter, as the same value: 149,798 is
proven by 149798, and 3.0 by 3, but 0.46 is not proven by 0.4649. In 28x28 both sides count.

An equation counts when its sides are made of numbers and + - * / ( ) alone: 5*1 + 3*(-1) = 2. It
must be true, to the decimals that it shows. The signs of typography and of TeX are understood.

No numbers of the prose: code blocks, addresses, directives and their options, labels, roles, HTML
tags, subscripts and exponents, a list's counters, a year in parentheses or after "in", and digits
that are part of a word (conv2d, 2nd).
"""

import re
from collections.abc import Iterator

NOT_PROSE = re.compile(
    r"""
    ^[ \t]*:[a-z-]+:.*?$                # a directive's option
    | ^\([\w-]+\)=$                     # a label
    | ^[ \t]*(\d+[.)]|[-*+])[ ]         # a list's counter or bullet
    | \{[\w:-]+\}`[^`]*`                # a role
    | (?<=\])\([^)\s]*\)                # a link's address
    | <[a-z/][^<>]*>                    # a tag or a bare address
    | https?://\S+
    | [_^](\{[^{}]*\}|\w)               # subscripts and exponents
    | \((?:[^()]*[ ])?(19|20)\d\d\)     # a year
    | \bin[ ](19|20)\d\d\b
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
SIGNS = {
    "−": "-",
    "·": "*",
    "×": "*",
    r"\cdot": "*",
    r"\times": "*",
    "{,}": ",",
    "**": "",
    "²": "**2",
}
NUMBER = re.compile(r"(?<![\w.])(?:(?<![)\]])-)?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)")
THOUSANDS = re.compile(r"(?<![\w.,])-?\d{1,3}(?:,\d{3})+(?![\w,])")
FENCE = re.compile(r"\s*(`{3,}|~{3,}|:{3,})(.*)")
SIDE = r"\d+(?:\.\d+)?(?:[-+*/()\s]|\d+(?:\.\d+)?)*"
EQUATION = re.compile(rf"[-(]*{SIDE}(?:=[-(\s]*{SIDE})+")


def without_code(markdown: str) -> str:
    """Return the text without code blocks and without the fences of directives."""
    lines, fences = [], []
    for line in markdown.splitlines():
        fence = FENCE.match(line)
        if fence and fences and fence[2].strip() == "" and fence[1] == fences[-1][0]:
            fences.pop()
        elif fence and not (fences and fences[-1][1]):
            fences.append((fence[1], not fence[2].lstrip().startswith("{")))
        elif not (fences and fences[-1][1]):
            lines.append(line)
    return "\n".join(lines)


def plain(markdown: str) -> str:
    """Return the prose of a markdown cell with the signs of a programming language."""
    text = NOT_PROSE.sub(" ", without_code(markdown))
    for sign, replacement in SIGNS.items():
        text = text.replace(sign, replacement)
    return re.sub(r"(?<=\d)x(?=\d)", "*", text)


def printed_numbers(output: str) -> set[float]:
    """Return the numbers in the text that cells have printed."""
    return {float(number.replace(",", "")) for number in THOUSANDS.findall(output)} | {
        float(number) for number in NUMBER.findall(output)
    }


def unproven_numbers(markdown: str, output: str) -> list[str]:
    """Return the numbers stated in `markdown` that do not stand in `output`."""
    printed = printed_numbers(output) | set(range(11))
    text = plain(markdown)
    unproven = [
        number
        for number in THOUSANDS.findall(text)
        if float(number.replace(",", "")) not in printed
        and not {float(part) for part in number.split(",")} <= printed  # (400,400,3): no thousands
    ]
    return unproven + [
        number
        for number in NUMBER.findall(THOUSANDS.sub(" ", text))
        if float(number) not in printed
    ]


def value(side: str) -> float | None:
    """Return the value of one side of an equation, or None when it is no whole expression."""
    side = side.strip(" \n\t+*/").rstrip("-")
    if re.search(r"[\d)]\s*\(", side):
        return None
    surplus = side.count("(") - side.count(")")
    side = side.lstrip()[surplus:] if surplus > 0 else side[: len(side) + surplus]
    try:
        return float(eval(side, {"__builtins__": {}}))  # digits and signs, nothing else
    except (SyntaxError, TypeError, ZeroDivisionError):
        return None


def false_equations(markdown: str) -> list[str]:
    """Return the equations in `markdown` that are not true."""
    text = THOUSANDS.sub(lambda number: number[0].replace(",", ""), plain(markdown))
    wrong = []
    for match in EQUATION.finditer(text):
        begun = re.search(r"([-+*/^}\\]\s*|[\w.(])$", text[: match.start()])
        goes_on = re.search(r"[-+*/(\d]\s*[^\W\d]", text[match.start() : match.end() + 1][-9:])
        if begun or goes_on:
            continue  # a part of something longer, with letters in it
        sides = match[0].split("=")
        values = [value(side) for side in sides]
        if None in values:
            continue
        results = [side.strip(" \n\t.()") for side in sides]
        decimals = [len(r.partition(".")[2]) for r in results if re.fullmatch(r"-?\d+\.\d+", r)]
        if max(values) - min(values) > (0.5 * 10 ** -min(decimals) if decimals else 0) + 1e-9:
            wrong.append(match[0].strip())
    return wrong


LEFT = re.compile(r"[-+*/().\d ]*$")
RIGHT = re.compile(r" *(-?\d+(?:\.\d+)?)(?!\.?\w|[*/(])")
TABLE = re.compile(r" *\*((?: +-?\d+(?:\.\d+)?)+)")  # a dot, and the factors
ROW = re.compile(r"(?: *-?\d+(?:\.\d+)?(?![\w.]))+")


def rounds_to(exact: float, shown: str) -> bool:
    """Whether a number is right to the decimals that are shown; a whole one must be exact."""
    decimals = len(shown.partition(".")[2])
    return abs(exact - float(shown)) <= (0.5 * 10**-decimals if decimals else 0) + 1e-9


def false_products(output: str) -> list[str]:
    """Return the lines of an output whose numbers do not give what is printed.

    That is a sum or a product of numbers before an equals sign; and the table under a line that
    begins with a dot: in each line the first number times the factors above.
    """
    wrong, factors = [], []
    for line in output.splitlines():
        text = THOUSANDS.sub(lambda number: number[0].replace(",", ""), line)
        for sign, replacement in SIGNS.items():
            text = text.replace(sign, replacement)
        wrong += [line] * any(not right for right in equations(text))
        if table := TABLE.match(text):
            factors = [float(number) for number in table[1].split()]
        elif row := ROW.match(text):
            first, *products = row[0].split()
            right = map(rounds_to, [float(first) * factor for factor in factors], products)
            wrong += [line] * (not all(right))
        else:
            factors = []
    return wrong


def equations(text: str) -> Iterator[bool]:
    """For each sum or product of numbers before an equals sign: is the number after it right?"""
    for equals in re.finditer(r"(?<![=<>!])=(?!=)", text):
        left, right = (
            LEFT.search(text[: equals.start()])[0].split(),
            RIGHT.match(text[equals.end() :]),
        )
        while left and value(" ".join(left)) is None:
            left.pop(0)  # a number that belongs to the words before
        if right and re.search(r"\d[) ]*[-+*/]", " ".join(left)):
            yield rounds_to(value(" ".join(left)), right[1])
