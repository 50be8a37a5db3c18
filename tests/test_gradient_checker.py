"""GradientChecker: its planted bugs in Python, and finding them in the page."""

import numpy as np
import pytest
import torch
import traitlets

from cnnlib.widgets import GradientChecker
from cnnlib.widgets.gradient_checker import BUGS, planted
from tests.browser import visit

pytest_plugins = ["tests.browser"]


@pytest.mark.parametrize("bug", BUGS)
def test_three_claims_are_those_of_torch_and_one_is_not(bug):
    case = planted(bug, np.random.default_rng(3))
    names = ("image", "weight", "bias", "target")
    x, weight, bias, target = (torch.tensor(case[name], dtype=torch.float64) for name in names)
    for one in (x, weight, bias):
        one.requires_grad_()
    torch.nn.functional.mse_loss(torch.conv2d(x, weight, bias), target).backward()
    right = [weight.grad[0, 0, 0, 1], weight.grad[0, 0, 1, 1], bias.grad[0], x.grad[0, 1, 1]]
    wrong = [
        abs(claim - float(one)) > 1e-9 for claim, one in zip(case["claims"], right, strict=True)
    ]
    assert wrong == [index == case["wrong"] for index in range(4)]


def test_an_unknown_bug_and_a_step_out_of_range_are_refused():
    with pytest.raises(ValueError, match="planted: bug is 'typo'; expected one of"):
        GradientChecker(["typo"])
    with pytest.raises(traitlets.TraitError, match="exponent"):
        GradientChecker(exponent=0)


def test_repr_states_the_claims():
    assert repr(GradientChecker(["mean"])).endswith("wrong: 2")


@pytest.fixture
def root(page, site):
    visit(page, f"{site}/chapters/gradient_check.html")
    root = page.locator(".gradient-checker")
    root.scroll_into_view_if_needed()
    return root


def push(root, name):
    root.get_by_role("button", name=f"Push {name}").click()
    row = root.locator(".gradient-checker-row").filter(has_text=name)
    claim = row.locator("span").first.inner_text().removeprefix("claimed: ").replace("−", "-")
    slope = row.get_by_role("status").inner_text().split("= ")[1].replace("−", "-")
    return float(claim), float(slope)


def test_pushing_finds_the_wrong_claim_of_every_case(root):
    names = ["weight (0, 1)", "weight (1, 1)", "the bias", "pixel (1, 1)"]
    cases = GradientChecker().cases
    for case in cases:
        wrong = []
        for name in names:
            claim, slope = push(root, name)
            wrong.append(abs(claim - slope) > 0.01)
        assert wrong == [index == case["wrong"] for index in range(4)]
        root.get_by_label(f"{names[case['wrong']]} has the wrong gradient").check()
        root.get_by_role("button", name="This one is wrong").click()
        assert root.locator(".verdict").inner_text() == f"Right. {case['bug']}"
        root.get_by_role("button", name="Another one").click()
        assert root.locator(".verdict").inner_text() == ""


def test_a_right_claim_is_defended(root):
    root.get_by_role("button", name="This one is wrong").click()
    assert root.locator(".verdict").inner_text() == "Choose one of the four first."
    right = 0 if GradientChecker().cases[0]["wrong"] else 1
    root.get_by_role("radio").nth(right).check()
    root.get_by_role("button", name="This one is wrong").click()
    assert root.locator(".verdict").inner_text().startswith("That one is right")


def test_the_smallest_step_loses_the_digits(root):
    root.get_by_label("Step").fill("-14")
    claim, slope = push(root, "weight (0, 1)")
    assert abs(claim - slope) > 1e-4
    assert root.locator(".gradient-checker-step").inner_text() == "10−14"


def test_axe_finds_nothing_wrong(phone, site, axe_faults):
    visit(phone, f"{site}/chapters/gradient_check.html")
    root = phone.locator(".gradient-checker")
    root.scroll_into_view_if_needed()
    push(root, "the bias")
    assert axe_faults(root) == []
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
