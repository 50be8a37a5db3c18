"""Measure cnnlib against torch on the CPU, and write the figures to a JSON file.

    python -m tools.bench [assets/bench.json]

At the end the pages' own arithmetic is measured against TensorFlow.js; see bench_math.py.

Each side runs in processes of its own, two threads each, float32, the two sides in turn; the
medians over all rounds are compared, and beside them the fastest runs of all, which tell what a
machine without other work would do. A layer's work is forward plus backward for weight, bias and
input, with the images as training gives them: from a batch for a layer of 1 or 3 channels, else
from the layer before it, and with the gradient from the layer after it.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tools import bench_math

ROOT = Path(__file__).resolve().parents[1]

THREADS = 2
ROUNDS = 5
SECONDS = 0.5  # that each piece of work is repeated for, in each round

# name: (x, weight, stride, padding, how many times torch's time is allowed)
LAYERS = {
    "x (100,3,31,31), w (25,3,3,3), stride 2, pad 1": ((100, 3, 31, 31), (25, 3, 3, 3), 2, 1, 2.0),
    "x (64,1,28,28), w (32,1,3,3), pad 1": ((64, 1, 28, 28), (32, 1, 3, 3), 1, 1, 1.2),
    "x (64,32,14,14), w (64,32,3,3), pad 1": ((64, 32, 14, 14), (64, 32, 3, 3), 1, 1, 2.5),
    "x (64,64,13,13), w (128,64,3,3)": ((64, 64, 13, 13), (128, 64, 3, 3), 1, 0, 2.0),
}
CLASSIFIERS = {  # (filters, padding, pool before relu, dense sizes) of the two of the book
    "training step, 149,798 parameters": ((64, 128, 64), 0, (64, 20, 10)),
    "training step, 421,642 parameters": ((32, 64), 1, (3136, 128, 10)),
}
STEP_LIMIT = 2.0
BATCHES = (16, 32, 64, 128, 256, 512)
LOOPS_AT_LEAST = 300


def seconds(work: Callable[[], object], at_least: int = 7) -> tuple[float, float]:
    """The median and the least time of `work`, after two runs that are not counted."""
    work(), work()
    times, begin = [], time.perf_counter()
    while len(times) < at_least or time.perf_counter() - begin < SECONDS:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times), min(times)


def classifier(library, filters: tuple, padding: int, dense: tuple):  # noqa: ANN001, ANN201
    """One of the two classifiers, of cnnlib's layers or of torch.nn's."""
    layers, channels = [], 1
    for count in filters:
        layers += [library.Conv2d(channels, count, 3, padding=padding)]
        layers += [library.ReLU(), library.MaxPool2d(2)]
        channels = count
    layers += [library.Flatten(), library.Linear(dense[0], dense[1]), library.ReLU()]
    return library.Sequential(*layers, library.Linear(dense[1], dense[2]))


def batch_of(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels for a classifier."""
    rng = np.random.default_rng(0)
    return rng.random((size, 1, 28, 28), np.float32), rng.integers(0, 10, size)


def layer_arrays(name: str) -> tuple[np.ndarray, tuple, int, int]:
    """The images of a layer's work, and its geometry."""
    shape, weight, stride, padding, _ = LAYERS[name]
    return np.random.default_rng(0).standard_normal(shape, np.float32), weight, stride, padding


def work_of_cnnlib(name: str, size: int = 64) -> Callable[[], object]:
    """The work called `name`, in cnnlib."""
    import cnnlib

    if name in LAYERS:
        x, (filters, channels, *kernel), stride, padding = layer_arrays(name)
        if channels > 3:  # as another convolution leaves them in memory
            x = cnnlib.conv2d(x, np.eye(channels, dtype=np.float32)[:, :, None, None])
        layer = cnnlib.Conv2d(channels, filters, tuple(kernel), stride, padding)
        grad = np.ones_like(layer.forward(x))

        def work() -> None:
            layer.zero_grad()
            layer.forward(x)
            layer.backward(grad)

        return work
    network, loss = classifier(cnnlib, *CLASSIFIERS[name]), cnnlib.CrossEntropyLoss()
    optimizer = cnnlib.Adam(network.parameters())
    images, labels = batch_of(size)

    def step() -> None:
        optimizer.zero_grad()
        loss(network.forward(images), labels)
        network.backward_parameters(loss.backward())
        optimizer.step()

    return step


def work_of_torch(name: str, size: int = 64) -> Callable[[], object]:
    """The work called `name`, in torch."""
    import torch

    torch.set_num_threads(THREADS)
    if name in LAYERS:
        array, (filters, channels, *kernel), stride, padding = layer_arrays(name)
        x = torch.tensor(array, requires_grad=True)
        layer = torch.nn.Conv2d(channels, filters, tuple(kernel), stride, padding)
        grad = torch.ones_like(layer(x))

        def work() -> None:
            x.grad = None
            layer.zero_grad()
            layer(x).backward(grad)

        return work
    network, loss = classifier(torch.nn, *CLASSIFIERS[name]), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(network.parameters())
    images, labels = map(torch.tensor, batch_of(size))

    def step() -> None:
        optimizer.zero_grad()
        loss(network(images), labels).backward()
        optimizer.step()

    return step


def peak(work: Callable[[], object]) -> int:
    """The bytes of memory that ten runs of `work` add to the process at their highest."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far

    def status(key: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))

    before = status("VmRSS")
    for _ in range(10):
        work()
    return status("VmHWM") - before


def measure(side: str, what: str) -> dict[str, float]:
    """What one process measures: "work", "batches", "loops", or the memory of a classifier."""
    make = work_of_cnnlib if side == "cnnlib" else work_of_torch
    if what == "work":
        times = {name: seconds(make(name)) for name in (*LAYERS, *CLASSIFIERS)}
        fastest = {f"{name}, fastest": least for name, (_, least) in times.items()}
        return fastest | {name: median for name, (median, _) in times.items()}
    if what in CLASSIFIERS:  # in a process of its own: one that has freed memory takes it again
        return {what: peak(make(what))}
    if what == "batches":
        name = list(CLASSIFIERS)[1]
        return {str(size): seconds(make(name, size))[1] for size in BATCHES}
    import cnnlib

    x, shape, stride, padding = layer_arrays(next(iter(LAYERS)))
    weight = np.random.default_rng(1).standard_normal(shape, np.float32)
    fast, _ = seconds(lambda: cnnlib.conv2d(x, weight, stride=stride, padding=padding))
    few = x[:2]  # the loops' time is in proportion to the images
    start = time.perf_counter()
    cnnlib.conv2d_loops(few, weight, stride=stride, padding=padding)
    return {"conv2d": fast, "loops": (time.perf_counter() - start) * len(x) / len(few)}


def in_process(side: str, what: str) -> dict[str, float]:
    """`measure` in a fresh process with two threads."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(THREADS))
    path = {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, "--measure", side, what]
    done = subprocess.run(
        command, env=os.environ | threads | path, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


def compare(what: str, rounds: int) -> dict[str, dict[str, float]]:
    """Medians over the rounds, {name: {"cnnlib": seconds, "torch": seconds}}."""
    runs = {"cnnlib": [], "torch": []}
    for _ in range(rounds):
        for side, results in runs.items():
            results.append(in_process(side, what))
    rows = {}
    for name in runs["torch"][0]:
        of = min if name.endswith("fastest") else statistics.median
        rows[name] = {side: of([r[name] for r in results]) for side, results in runs.items()}
        rows[name]["ratio"] = rows[name]["cnnlib"] / rows[name]["torch"]
    return rows


def main(path: Path) -> None:
    """Measure everything, print a table, write the JSON."""
    limits = {name: row[-1] for name, row in LAYERS.items()}
    limits |= dict.fromkeys(CLASSIFIERS, STEP_LIMIT)
    figures = {"machine": platform.machine(), "threads": THREADS, "numpy": np.__version__}
    head = f"{'cnnlib':>9} {'torch':>9} {'ratio':>6} {'fastest':>8} {'at most':>8}"
    print(f"{'forward and backward':48} {head}")
    work = compare("work", ROUNDS)
    figures["work"] = {}
    for name, limit in limits.items():
        fastest = work[f"{name}, fastest"]["ratio"]
        row = figures["work"][name] = work[name] | {"fastest_ratio": fastest, "at_most": limit}
        times = f"{row['cnnlib'] * 1e3:6.2f} ms {row['torch'] * 1e3:6.2f} ms {row['ratio']:6.2f}"
        print(f"{name:48} {times} {fastest:8.2f} {limit:8.1f}")
    if Path("/proc/self/clear_refs").exists():  # Linux alone tells the highest use anew
        figures["memory"] = {name: compare(name, 1)[name] for name in CLASSIFIERS}
        for name, row in figures["memory"].items():
            both = f"{row['cnnlib'] / 2**20:6.1f} MB {row['torch'] / 2**20:6.1f} MB"
            print(f"{'memory, ' + name:48} {both} {row['ratio']:6.2f} {'':8} {3:8.1f}")
    figures["batches"] = in_process("cnnlib", "batches")
    each = ", ".join(f"{n}: {1e6 * t / int(n):.0f}" for n, t in figures["batches"].items())
    print(f"microseconds per image of a step, by batch: {each}")
    figures["loops"] = loops = in_process("cnnlib", "loops")
    loops["ratio"] = loops["loops"] / loops["conv2d"]
    print(f"conv2d is {loops['ratio']:.0f} times the loops (at least {LOOPS_AT_LEAST})")
    figures["page"] = bench_math.report(ROUNDS)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    print(f"written to {path}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(*sys.argv[2:])))
    else:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "assets" / "bench.json"))
