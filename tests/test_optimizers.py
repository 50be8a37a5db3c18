import numpy as np
import pytest
import torch

import cnnlib
from cnnlib.layer import Parameter
from cnnlib.optimizers import Optimizer, Schedule

OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.02}),
    ("Adam", {"lr": 0.01}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.01}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.3}),
]
SCHEDULES = [
    None,
    ("StepLR", {"step_size": 7, "gamma": 0.6}),
    ("CosineAnnealingLR", {"T_max": 90, "eta_min": 1e-4}),
    ("OneCycleLR", {"max_lr": 0.2, "total_steps": 101}),
    ("OneCycleLR", {"max_lr": 0.2, "total_steps": 110, "pct_start": 0.4, "cycle_momentum": False}),
]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("name", "options"), OPTIMIZERS)
def test_a_hundred_steps_are_those_of_torch(name, options, schedule):
    if schedule and schedule[0] == "OneCycleLR" and "momentum" not in options and name == "SGD":
        schedule = (schedule[0], schedule[1] | {"cycle_momentum": False})
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(shape) for shape in ((3, 4), (5,))]
    ours = [Parameter(a.copy()) for a in start]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in start]
    optimizer = getattr(cnnlib, name)(ours, **options)
    their_optimizer = getattr(torch.optim, name)(theirs, **options)
    our_schedule = their_schedule = None
    if schedule:
        our_schedule = getattr(cnnlib, schedule[0])(optimizer, **schedule[1])
        their_schedule = getattr(torch.optim.lr_scheduler, schedule[0])(
            their_optimizer, **schedule[1]
        )
    for step in range(100):
        for parameter, tensor in zip(ours, theirs, strict=True):
            parameter.grad = rng.standard_normal(parameter.data.shape)
            tensor.grad = torch.tensor(parameter.grad)
        if step == 10:
            ours[1].grad = theirs[1].grad = None
        optimizer.step()
        their_optimizer.step()
        for parameter, tensor in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(
                parameter.data, tensor.detach().numpy(), rtol=1e-9, atol=1e-12
            )
        if schedule:
            our_schedule.step()
            their_schedule.step()
            assert optimizer.lr == pytest.approx(their_optimizer.param_groups[0]["lr"], rel=1e-9)


def test_one_cycle_alone_counts_batches():
    schedules = cnnlib.StepLR, cnnlib.CosineAnnealingLR, cnnlib.OneCycleLR
    assert [schedule.every_batch for schedule in schedules] == [False, False, True]


def test_the_first_step_of_momentum_is_plain_descent_and_the_second_adds_what_is_remembered():
    parameter = Parameter(np.array([10.0]))
    optimizer = cnnlib.SGD([parameter], lr=0.1, momentum=0.5)
    for expected in (10 - 0.1 * 4, 10 - 0.1 * 4 - 0.1 * (0.5 * 4 + 4)):
        parameter.grad = np.array([4.0])
        optimizer.step()
        assert parameter.data == pytest.approx(expected)
    optimizer.zero_grad()
    assert parameter.grad is None


def test_an_optimizer_goes_on_from_its_state():
    rng = np.random.default_rng(0)
    grads = rng.standard_normal((6, 4))
    results = []
    for interrupted in (False, True):
        parameter = Parameter(np.ones(4))
        optimizer = cnnlib.Adam([parameter])
        for index, grad in enumerate(grads):
            if interrupted and index == 3:
                state = optimizer.state_dict()
                optimizer = cnnlib.Adam([parameter])
                optimizer.load_state_dict(state)
            parameter.grad = grad
            optimizer.step()
        results.append(parameter.data)
    np.testing.assert_array_equal(*results)


def test_parameters_may_come_one_by_one_and_betas_in_a_list():
    parameters = [Parameter(np.ones(2)), Parameter(np.ones(3))]
    assert cnnlib.SGD(p for p in parameters).parameters == parameters
    optimizer = cnnlib.Adam({p: 0 for p in parameters}, betas=[0.8, 0.9])
    assert (optimizer.parameters, optimizer.betas) == (parameters, (0.8, 0.9))


def test_a_state_of_another_optimizer_is_refused_and_changes_nothing():
    parameters = [Parameter(np.ones(2)), Parameter(np.ones(3))]
    optimizer = cnnlib.Adam(parameters)
    for parameter in parameters:
        parameter.grad = np.ones_like(parameter.data)
    optimizer.step()
    state = optimizer.state_dict()
    for wrong, message in [
        (
            {k: v for k, v in state.items() if k != "1.exp_avg_sq"},
            r"1\.exp_avg_sq is missing",
        ),
        (state | {"0.exp_avg": np.ones(3)}, r"0\.exp_avg has shape \(3,\); expected \(2,\)"),
        (state | {"2.exp_avg": np.ones(3)}, r"2\.exp_avg is unknown"),
        (state | {"exp_avg": np.ones(3)}, "exp_avg is unknown"),
        (state | {"-1.exp_avg": np.ones(3)}, r"-1\.exp_avg is unknown"),
        ({"0.momentum_buffer": np.ones(2)}, r"0\.momentum_buffer is unknown to Adam"),
        ({1: np.ones(2)}, "1 is unknown to Adam"),
        (
            state | {"0.exp_avg": np.array([1, np.nan])},
            r"0\.exp_avg has a number that is not finite",
        ),
        (state | {"0.exp_avg": np.ones(2, complex)}, r"0\.exp_avg is complex128; expected real"),
        (state | {"0.steps": np.array(1.5)}, r"0\.steps is float64; expected whole"),
        (None, "arrays is a NoneType"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            optimizer.load_state_dict(wrong)
        assert optimizer.state_dict().keys() == state.keys()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": float("nan")}, "Adam: lr is nan; expected a finite number of at least 0"),
        ({"lr": -1.0}, "Adam: lr is -1.0; expected"),
        ({"lr": "fast"}, "Adam: lr is 'fast'; expected a number"),
        ({"betas": (0.9, 1.0)}, "Adam: betas is 1.0; expected"),
        ({"betas": (0.9,)}, r"Adam: betas is \(0.9,\); expected a pair"),
        ({"eps": float("inf")}, "Adam: eps is inf"),
    ],
)
def test_bad_settings_are_named(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        cnnlib.Adam([Parameter(np.ones(2))], **options)


def test_other_bad_settings_are_named():
    with pytest.raises(TypeError, match="SGD: parameters is a ndarray; expected a Parameter"):
        cnnlib.SGD([np.ones(2)])
    with pytest.raises(TypeError, match="StepLR: optimizer is a float; expected an Optimizer"):
        cnnlib.StepLR(0.1, 3)
    with pytest.raises(ValueError, match="SGD: parameters is empty"):
        cnnlib.SGD([], lr=0.1)
    twice = [Parameter(np.ones(2))] * 2
    with pytest.raises(ValueError, match="SGD: parameters holds one of them twice"):
        cnnlib.SGD(twice)
    with pytest.raises(TypeError, match="SGD: parameters is a Parameter; expected an Iterable"):
        cnnlib.SGD(twice[0])
    with pytest.raises(ValueError, match="SGD: nesterov is True; expected a momentum above 0"):
        cnnlib.SGD([Parameter(np.ones(2))], lr=0.1, nesterov=True)
    schedule = cnnlib.OneCycleLR(cnnlib.SGD([Parameter(np.ones(2))], momentum=0.9), 0.1, 2)
    schedule.step()
    schedule.step()
    with pytest.raises(ValueError, match="OneCycleLR: step 3 is past total_steps 2"):
        schedule.step()


def test_what_a_readers_own_optimizer_or_schedule_leaves_out_is_missed_when_it_is_needed():
    class Lazy(Optimizer):
        pass

    parameter = Parameter(np.ones(2))
    optimizer = Lazy([parameter], 0.1, 0.0)
    optimizer.step()  # there is no gradient yet
    parameter.grad = np.ones(2)
    with pytest.raises(NotImplementedError):
        optimizer.step()
    with pytest.raises(NotImplementedError):
        Schedule(optimizer)


def test_clipping_shrinks_all_gradients_together():
    parameters = [Parameter(np.zeros(2)), Parameter(np.zeros((1, 1))), Parameter(np.zeros(1))]
    parameters[0].grad, parameters[1].grad = np.array([3.0, 0.0]), np.array([[4.0]])
    assert cnnlib.clip_grad_norm(parameters, 10.0) == 5
    assert parameters[0].grad.tolist() == [3, 0]
    assert cnnlib.clip_grad_norm(parameters, 1.0) == 5
    assert parameters[0].grad == pytest.approx([3 / (5 + 1e-6), 0], rel=1e-12)
    assert parameters[1].grad == pytest.approx(4 / (5 + 1e-6), rel=1e-12)


@pytest.mark.parametrize("max_norm", [0.0, 3e-7, 1e-6, 0.5, 5.0, 5.000002, 20.0])
@pytest.mark.parametrize("size", [1e-7, 1.0, 1e30])
def test_gradients_are_clipped_as_in_torch(max_norm, size):
    grads = [size * np.array([[3.0, 0.0]]), size * np.array([0.0, 4.0, 0.0])]
    ours = [Parameter(np.ones_like(grad)) for grad in grads] + [Parameter(np.ones(2))]
    theirs = [torch.nn.Parameter(torch.tensor(parameter.data)) for parameter in ours]
    for parameter, tensor, grad in zip(ours, theirs, grads, strict=False):
        parameter.grad, tensor.grad = grad, torch.tensor(grad)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm)
    assert cnnlib.clip_grad_norm((p for p in ours), max_norm) == pytest.approx(expected.item())
    for parameter, tensor in zip(ours[:2], theirs, strict=False):
        np.testing.assert_allclose(parameter.grad, tensor.grad.numpy(), rtol=1e-12)
    assert ours[2].grad is None


def test_two_parameters_may_share_the_array_of_their_gradient():
    grad, parameters = np.array([3.0, 4.0]), [Parameter(np.zeros(2)) for _ in range(2)]
    parameters[0].grad = parameters[1].grad = grad
    cnnlib.clip_grad_norm(parameters, 1.0)
    length = np.sqrt(2 * 25)
    for parameter in parameters:
        np.testing.assert_allclose(parameter.grad, [3 / (length + 1e-6), 4 / (length + 1e-6)])
    assert grad.tolist() == [3, 4]


@pytest.mark.parametrize("size", [1e20, 1e-30])
def test_clipping_measures_gradients_whose_squares_do_not_fit_into_float32(size):
    parameter = Parameter(np.zeros(2, np.float32))
    parameter.grad = np.array([3 * size, 4 * size], np.float32)
    assert cnnlib.clip_grad_norm([parameter], 10 * size + 10) == pytest.approx(5 * size)
    assert cnnlib.clip_grad_norm([parameter], 1.0) == pytest.approx(5 * size)
    expected = np.array([3, 4]) * min(size, 1 / 5)
    np.testing.assert_allclose(parameter.grad, expected, rtol=1e-5)


@pytest.mark.parametrize("size", [1e-30, 1e-22, 1e-19, 1e-8, 1e18, 1e25, np.inf, np.nan])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": 0.1, "momentum": 0.9}),
        ("Adam", {}),
        ("Adam", {"eps": 0.0}),
        ("AdamW", {}),
    ],
)
@pytest.mark.filterwarnings("ignore:(invalid|divide|overflow)")
def test_tiny_and_huge_gradients_in_single_precision_move_weights_as_in_torch(name, options, size):
    ours, theirs = Parameter(np.ones(3, np.float32)), torch.nn.Parameter(torch.ones(3))
    optimizer = getattr(cnnlib, name)([ours], **options)
    reference = getattr(torch.optim, name)([theirs], **options)
    for step in range(1, 5):
        ours.grad = np.array([size, -size, 0.5], np.float32) * step
        theirs.grad = torch.tensor(ours.grad)
        optimizer.step(), reference.step()
    np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=1e-6, atol=1e-6)
