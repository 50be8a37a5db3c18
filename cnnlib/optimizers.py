"""Optimizers change parameters along their gradients; schedules change the learning rate.

Each is equal, step by step, to the one of the same name in torch.optim.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cnnlib import checks
from cnnlib.layer import Parameter, fitting


class Optimizer:
    """Parameters, a learning rate `lr`, and what is remembered about each parameter."""

    def __init__(self, parameters: Iterable[Parameter], lr: float, weight_decay: float) -> None:
        name = type(self).__name__
        checks.instance(name, "parameters", parameters, Iterable)
        self.parameters = list(parameters)
        for parameter in self.parameters:
            checks.instance(name, "parameters", parameter, Parameter)
        checks.require(bool(self.parameters), f"{name}: parameters is empty; expected one or more")
        once = len(set(self.parameters)) == len(self.parameters)
        checks.require(once, f"{name}: parameters holds one of them twice")
        self.lr = checks.number(name, "lr", lr, 0)
        self.weight_decay = checks.number(name, "weight_decay", weight_decay, 0)
        self.state: list[dict[str, np.ndarray]] = [{} for _ in self.parameters]

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        """Change every parameter that has a gradient and is not frozen."""
        for parameter, state in zip(self.parameters, self.state, strict=True):
            if parameter.requires_grad and parameter.grad is not None:
                if not state:
                    state |= self.begin(parameter.data)
                self.update(parameter.data, parameter.grad, state)

    def begin(self, data: np.ndarray) -> dict[str, np.ndarray]:
        """What is remembered about `data` before the first step."""
        return {}

    def update(self, data: np.ndarray, grad: np.ndarray, state: dict[str, np.ndarray]) -> None:
        """Change `data` in place; `state` is what is remembered about it."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of what is remembered, with keys such as "0.exp_avg"."""
        return {
            f"{index}.{name}": value.copy()
            for index, state in enumerate(self.state)
            for name, value in state.items()
        }

    def load_state_dict(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from what `state_dict` gave; the parameters must be those of that time.

        A parameter that never had a gradient has no arrays. Raises ValueError or TypeError, and
        changes nothing, when an array is missing, unknown, of another shape or kind, or not finite.
        """
        checks.instance("load_state_dict", "arrays", arrays, Mapping)
        fresh = [self.begin(parameter.data) for parameter in self.parameters]
        state: list[dict[str, np.ndarray]] = [{} for _ in self.parameters]
        for key, value in arrays.items():
            number, _, name = str(key).partition(".")
            known = number.isdecimal() and int(number) < len(state) and name in fresh[int(number)]
            checks.require(known, f"load_state_dict: {key} is unknown to {type(self).__name__}")
            state[int(number)][name] = fitting(key, value, fresh[int(number)][name])
        for index, (values, expected) in enumerate(zip(state, fresh, strict=True)):
            missing = [f"{index}.{name}" for name in expected if values and name not in values]
            checks.require(not missing, f"load_state_dict: {', '.join(missing)} is missing")
        self.state = state


class SGD(Optimizer):
    """Gradient descent: torch.optim.SGD.

    weight_decay adds that much of the weight to its gradient. momentum keeps a running sum
    v = momentum * v + g and steps along v (Polyak, 1964), or with nesterov along g + momentum * v
    (Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013).
    """

    def __init__(
        self, parameters: Iterable[Parameter], lr: float = 1e-3, momentum: float = 0.0,
        weight_decay: float = 0.0, nesterov: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, weight_decay)
        self.momentum = checks.number("SGD", "momentum", momentum, 0)
        self.nesterov = checks.flag("SGD", "nesterov", nesterov)
        usable = momentum > 0 or not nesterov
        checks.require(usable, "SGD: nesterov is True; expected a momentum above 0 with it")

    def begin(self, data: np.ndarray) -> dict[str, np.ndarray]:
        return {"momentum_buffer": np.zeros_like(data)} if self.momentum else {}

    def update(self, data: np.ndarray, grad: np.ndarray, state: dict[str, np.ndarray]) -> None:
        if self.weight_decay:
            grad = grad + self.weight_decay * data
        if self.momentum:
            velocity = state["momentum_buffer"]
            velocity *= self.momentum
            velocity += grad
            grad = grad + self.momentum * velocity if self.nesterov else velocity
        data -= self.lr * grad


class Adam(Optimizer):
    """Steps of about `lr` in each direction, whatever the gradient's size: torch.optim.Adam.

    Running means of the gradient (exp_avg) and of its square (exp_avg_sq) decay by the two betas;
    both begin at 0, which their corrections make up for. The step is lr * mean / (root + eps).
    Kingma and Ba, "Adam" (2014), algorithm 1.
    """

    decoupled = False

    def __init__(
        self, parameters: Iterable[Parameter], lr: float = 1e-3,
        betas: Sequence[float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, weight_decay)
        name = type(self).__name__
        betas = tuple(betas) if isinstance(betas, list) else betas
        checks.instance(name, "betas", betas, tuple)
        checks.require(len(betas) == 2, f"{name}: betas is {betas}; expected a pair")
        below_1 = np.nextafter(1.0, 0.0)
        self.betas = tuple(checks.number(name, "betas", beta, 0, below_1) for beta in betas)
        self.eps = checks.number(name, "eps", eps, 0)

    def begin(self, data: np.ndarray) -> dict[str, np.ndarray]:
        arrays = {"exp_avg": np.zeros_like(data), "exp_avg_sq": np.zeros_like(data)}
        return arrays | {"steps": np.array(0)}

    def update(self, data: np.ndarray, grad: np.ndarray, state: dict[str, np.ndarray]) -> None:
        if self.weight_decay and self.decoupled:
            data *= 1 - self.lr * self.weight_decay
        elif self.weight_decay:
            grad = grad + self.weight_decay * data
        state["steps"] += 1
        mean, square, steps = state["exp_avg"], state["exp_avg_sq"], int(state["steps"])
        beta1, beta2 = self.betas
        work = np.empty_like(data)  # space that is used again
        mean *= beta1
        mean += np.multiply(grad, 1 - beta1, out=work)
        square *= beta2
        np.multiply(grad, grad, out=work)
        work *= 1 - beta2
        square += work
        np.sqrt(square, out=work)
        work /= math.sqrt(1 - beta2**steps)
        work += self.eps
        np.divide(mean, work, out=work)
        work *= self.lr / (1 - beta1**steps)
        data -= work


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights directly: torch.optim.AdamW.

    Loshchilov and Hutter, "Decoupled weight decay regularization" (2017), algorithm 2.
    """

    decoupled = True

    def __init__(
        self, parameters: Iterable[Parameter], lr: float = 1e-3,
        betas: Sequence[float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 1e-2,
    ) -> None:  # fmt: skip
        super().__init__(parameters, lr, betas, eps, weight_decay)


def clip_grad_norm(parameters: Iterable[Parameter], max_norm: float) -> float:
    """Shrink all gradients together so that their length is at most `max_norm`.

    Returns the length before. As torch's clip_grad_norm_, which divides by the length + 1e-6.
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013).
    """
    max_norm = checks.number("clip_grad_norm", "max_norm", max_norm, 0)
    checks.instance("clip_grad_norm", "parameters", parameters, Iterable)
    parameters = list(parameters)
    for parameter in parameters:
        checks.instance("clip_grad_norm", "parameters", parameter, Parameter)
    grads = [(parameter, parameter.grad) for parameter in parameters]
    learning = [(parameter, grad) for parameter, grad in grads if grad is not None]
    squares = [np.square(g, dtype=np.float64).sum() for _, g in learning]  # no float32 holds 1e40
    norm = math.sqrt(sum(squares))
    scale = max_norm / (norm + 1e-6)
    if not scale >= 1:  # also when it is NaN
        for parameter, grad in learning:
            parameter.grad = grad * scale
    return norm


class Schedule:
    """Sets the optimizer's `lr` from the number of calls of `step`, the first value at once.

    `fit` calls `step` after each epoch, or after each batch when `every_batch` is true.
    """

    every_batch = False

    def __init__(self, optimizer: Optimizer) -> None:
        checks.instance(type(self).__name__, "optimizer", optimizer, Optimizer)
        self.optimizer = optimizer
        self.base_lr = optimizer.lr
        self.steps = 0
        self.set()

    def step(self) -> None:
        """Count one step, and set the learning rate for the next."""
        self.steps += 1
        self.set()

    def set(self) -> None:
        """Set the learning rate for the number of steps so far."""
        raise NotImplementedError


class StepLR(Schedule):
    """The learning rate times `gamma` every `step_size` epochs: torch's StepLR."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = checks.integer("StepLR", "step_size", step_size, 1)
        self.gamma = checks.number("StepLR", "gamma", gamma)
        super().__init__(optimizer)

    def set(self) -> None:
        self.optimizer.lr = self.base_lr * self.gamma ** (self.steps // self.step_size)


class CosineAnnealingLR(Schedule):
    """From the first learning rate to `eta_min` in `T_max` epochs, along half a cosine.

    torch's CosineAnnealingLR. Loshchilov and Hutter, "SGDR" (2016), equation 5.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = checks.integer("CosineAnnealingLR", "T_max", T_max, 1)
        self.eta_min = checks.number("CosineAnnealingLR", "eta_min", eta_min)
        super().__init__(optimizer)

    def set(self) -> None:
        self.optimizer.lr = _cosine(self.base_lr, self.eta_min, self.steps / self.T_max)


class OneCycleLR(Schedule):
    """Up to `max_lr` and down again in `total_steps` batches: torch's OneCycleLR.

    From max_lr / div_factor up in the first `pct_start` of the steps, then down to the first value
    divided by final_div_factor, each along half a cosine. Momentum (of Adam, the first beta) goes
    the other way, between max_momentum and base_momentum.
    Smith and Topin, "Super-convergence" (2017).
    """

    every_batch = True

    def __init__(
        self, optimizer: Optimizer, max_lr: float, total_steps: int, pct_start: float = 0.3,
        cycle_momentum: bool = True, base_momentum: float = 0.85, max_momentum: float = 0.95,
        div_factor: float = 25.0, final_div_factor: float = 1e4,
    ) -> None:  # fmt: skip
        self.total_steps = checks.integer("OneCycleLR", "total_steps", total_steps, 1)
        self.peak = checks.number("OneCycleLR", "pct_start", pct_start, 0, 1) * total_steps - 1
        max_lr = checks.number("OneCycleLR", "max_lr", max_lr, 0)
        first_lr = max_lr / checks.number("OneCycleLR", "div_factor", div_factor, 1)
        last_lr = first_lr / checks.number("OneCycleLR", "final_div_factor", final_div_factor, 1)
        low = checks.number("OneCycleLR", "base_momentum", base_momentum, 0)
        high = checks.number("OneCycleLR", "max_momentum", max_momentum, 0)
        self.lrs, self.momenta = (first_lr, max_lr, last_lr), (high, low, high)
        self.cycle_momentum = checks.flag("OneCycleLR", "cycle_momentum", cycle_momentum)
        super().__init__(optimizer)

    def set(self) -> None:
        self.optimizer.lr = self.between(*self.lrs)
        if self.cycle_momentum and isinstance(self.optimizer, Adam):
            self.optimizer.betas = (self.between(*self.momenta), self.optimizer.betas[1])
        elif self.cycle_momentum:
            optimizer: Any = self.optimizer  # which has a momentum
            optimizer.momentum = self.between(*self.momenta)

    def between(self, first: float, middle: float, last: float) -> float:
        """A value that goes from `first` to `middle` at the peak, then to `last`."""
        steps, total, peak = self.steps, self.total_steps, self.peak
        checks.require(steps <= total, f"OneCycleLR: step {steps} is past total_steps {total}")
        if steps < peak:
            return _cosine(first, middle, steps / peak)
        return _cosine(middle, last, (steps - peak) / max(total - 1 - peak, 1))


def _cosine(first: float, last: float, part: float) -> float:
    """From `first` (part 0) to `last` (part 1), slow at both ends."""
    return last + (first - last) * (1 + math.cos(math.pi * part)) / 2
