// Batch normalization of a few numbers: by the batch, by the running numbers, and what moves them.
import { choice, trait } from "./shared/view/controls.js";
import { button, copyWith, factor, field, format, h, misread, parse } from "./shared/view/dom.js";
import { frame, group } from "./shared/view/frame.js";
import { grid } from "./shared/view/grid.js";
import { array } from "./shared/math/array.js";
import { BatchNorm2d, EPS, MOMENTUM, moments } from "./shared/math/normalization.js";
import { predictFirst } from "./shared/view/predict.js";

const LARGEST = 9999;
const TOO_LARGE = "A number may be at most 9999 here.";
const SOURCES = [[4, 2], [40, 20], [-10, 1]];

/** A number as it fits a cell: the larger, the fewer decimals. */
function short(number) {
  const size = Math.abs(number);
  if (size < 99999.5) return format(number, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
  return number.toExponential(0).replace("e+", "e").replace("-", "−");
}

/** A normally distributed number with one decimal (Box and Muller, 1958). */
function randomNumber([mean, deviation]) {
  const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const number = Number((mean + deviation * normal).toFixed(1));
  return Math.min(Math.max(number, -LARGEST), LARGEST);
}

/** The numbers as a batch of images with one channel and one pixel. */
const asImages = (batch) => array(batch.map((number) => [[[number]]]));

/** Mean and variance of a batch, and the variance divided by one less than there are numbers. */
function momentsOf(batch) {
  const { mean: [mean], variance: [variance], count } = moments(asImages(batch));
  return { mean, variance, unbiased: (variance * count) / (count - 1) };
}

/** A layer for one channel. */
function layerOf({ mean, variance }, gamma = 1, beta = 0) {
  const layer = new BatchNorm2d(1, { dtype: Float64Array });
  const state = { weight: [gamma], bias: [beta], running_mean: [mean], running_var: [variance], num_batches_tracked: 0 };
  layer.load_state_dict(Object.fromEntries(Object.entries(state).map(([name, value]) => [name, array(value)])));
  return layer;
}

/** The batch with a mean taken off, divided by a deviation; then scaled by gamma and shifted by beta. */
function normalize(batch, used, gamma, beta) {
  const through = (...scale) => [...layerOf(used, ...scale).eval().forward(asImages(batch)).data];
  return { normalized: through(), output: through(gamma, beta) };
}

/** The running mean and variance after one more batch in training. */
function moveRunning(running, batch) {
  const layer = layerOf(running);
  layer.forward(asImages(batch));
  return { mean: layer.running_mean.data[0], variance: layer.running_var.data[0] };
}

/** What the usual slips make of an output. */
function explainOutput({ x, mean, variance, gamma, beta, other }) {
  const normalized = (x - mean) / Math.sqrt(variance + EPS);
  const slips = [
    [other, "That is what the other mode gives."],
    [normalized, "That is the normalized number. Multiply it by γ and add β."],
    [normalized * gamma, "The shift, β, is still to be added."],
    [(x - mean) * gamma + beta, "Divide by the standard deviation before γ and β."],
    [((x - mean) / (variance + EPS)) * gamma + beta, "That is divided by the variance. Take its root first."],
    [-normalized * gamma + beta, "Subtract the mean from the number, not the number from the mean."],
  ];
  return { slips, otherwise: "Not that. Subtract the mean, divide by the root of the variance, multiply by γ, add β." };
}

/** A number that is typed: taken when it is one and small enough. */
function typedNumber(name, label, { get, set, complain }) {
  const input = h("input", {
    type: "text", autocomplete: "off", size: 7,
    change: () => read(),
    keydown: (event) => {
      if (event.key === "Enter") read();
      if (event.key === "Escape") input.value = format(get(name));
    },
  });
  function read() {
    const value = parse(input.value), fits = Math.abs(value) <= LARGEST;
    input.setAttribute("aria-invalid", !fits);
    const fault = Number.isNaN(value) ? misread(input.value) : TOO_LARGE;
    complain(fits ? "" : fault);
    if (fits) set({ [name]: value });
  }
  function update() {
    if (document.activeElement !== input || parse(input.value) !== get(name)) input.value = format(get(name));
    input.removeAttribute("aria-invalid");
  }
  return { element: field(label, input), update };
}

/** One mode: its mean and variance, the normalized numbers, the output, and the sum of the chosen one. */
function createMode(heading, training, { set }) {
  const name = heading.toLowerCase(), choose = (_, column) => set({ chosen: column });
  const state = h("span", { class: "note" }), facts = h("div", { class: "bn-facts" }), written = h("p", { class: "sum" });
  const [normalized, output] = ["Normalized", "Output"].map((label) =>
    grid({ label: `${label} in ${name}`, tone: "signed", onselect: choose }));
  const element = h("div", { class: "bn-mode", role: "group", "aria-label": heading },
    h("p", { class: "bn-heading" }, h("strong", {}, heading), " ", state), facts,
    h("p", { class: "plane-name" }, "normalized"), normalized,
    h("p", { class: "plane-name" }, "· γ + β = output"), output, written);
  return { element, update({ batch, gamma, beta, chosen, modes }) {
    const { lines, used: { mean, variance }, active, hidden, ...now } = modes.find((mode) => mode.training === training);
    element.classList.toggle("active", active);
    state.textContent = active ? "the layer does this now" : "for comparison";
    facts.replaceChildren(...lines.map((line) => h("p", {}, line)));
    const look = (numbers, secret) => (_, column) => ({
      text: secret && column === chosen ? "?" : short(numbers[column]),
      mark: column === chosen ? "current lit" : "",
    });
    normalized.update([now.normalized], { cell: look(now.normalized, hidden) });
    output.update([now.output], { cell: look(now.output, hidden) });
    const one = (text) => [h("span", { class: "terms" }, text), " "];
    written.replaceChildren(...one(`(${format(batch[chosen])} − ${factor(mean)})`),
      ...one(`/ √(${format(variance)} + ${format(EPS, 5)})`),
      ...one(`· ${factor(gamma)} + ${factor(beta)}`),
      h("span", { class: "terms" }, "= ", h("strong", {}, hidden ? "?" : format(now.output[chosen]))));
  } };
}

/** The batch's mean and its variance, both as the sums that they are. */
function describe(batch, { mean, variance }) {
  const squares = batch.map((number) => `${factor(Number((number - mean).toFixed(4)))}²`);
  return [["mean", batch.map(factor), mean], ["variance", squares, variance]].map(([name, terms, result]) =>
    `${name} (${terms.join(" + ")})/${batch.length}\u00a0=\u00a0${format(result)}`);
}

/** What the next batch does to the running numbers. */
function createStep() {
  const element = h("p", { class: "sum bn-step" });
  const one = (...nodes) => [h("span", { class: "terms" }, nodes), " "];
  const line = (name, from, to, result) => [`${name} `,
    ...one(`${format(from)} + ${MOMENTUM}·(${format(to)} − ${factor(from)})`),
    ...one("= ", h("strong", {}, format(result))), h("br")];
  return { element, update({ batch, training, batchMoments: own, running }) {
    const moved = moveRunning(running, batch), count = batch.length;
    element.replaceChildren(...(training
      ? ["Before the next batch comes, this one is counted:", h("br"),
        ...line("running mean", running.mean, own.mean, moved.mean),
        ...line("running variance", running.variance, own.unbiased, moved.variance),
        h("span", { class: "note" },
          `Here its variance is ${format(own.unbiased)}: `
          + `the sum of the squares divided by ${count - 1}, not by ${count}.`)]
      : ["In evaluation no batch moves the running mean and variance."]));
  } };
}

/** The batch, gamma and beta, and the mode: what a reader changes. */
function createTop(own) {
  const { get, set, complain } = own;
  const numbers = grid({
    label: "Batch", tone: "signed", onerror: complain,
    onselect: (_, column) => set({ chosen: column }),
    onedit: (_, column, value) => {
      if (Math.abs(value) > LARGEST) complain(TOO_LARGE);
      else set({ batch: copyWith(get("batch"), [column], value) });
    },
  });
  const typed = [["gamma", "γ"], ["beta", "β"]].map(([name, label]) => typedNumber(name, label, own));
  const modes = [true, false].map((training) => button(training ? "Training" : "Evaluation", () => set({ training })));
  const element = h("div", { class: "bn-top" },
    h("div", {}, h("p", { class: "plane-name" }, "one channel of a batch"), numbers),
    h("div", { class: "controls" }, typed),
    h("div", { class: "controls bn-switch", role: "group", "aria-label": "Mode" }, modes));
  return { element, update({ batch, chosen, training }) {
    numbers.update([batch], { cell: (_, column) => ({ text: short(batch[column]), mark: column === chosen ? "current lit" : "" }) });
    for (const one of typed) one.update();
    modes.forEach((one, k) => one.setAttribute("aria-pressed", training === (k === 0)));
  } };
}

/** All that is drawn, from the traits: what both modes make of the batch, and which of them is at work. */
function stateOf(get, ask) {
  const [batch, gamma, beta, chosen, training, batches] = ["batch", "gamma", "beta", "chosen", "training", "batches"].map(get);
  const batchMoments = momentsOf(batch), running = { mean: get("running_mean"), variance: get("running_var") };
  const key = `${training},${chosen}`;
  const modes = [true, false].map((mode) => {
    const used = mode ? batchMoments : running, active = mode === training;
    const lines = mode ? describe(batch, batchMoments) : [
      `running mean ${format(running.mean)}`, `running variance ${format(running.variance)}`,
      `moved by ${batches} ${batches === 1 ? "batch" : "batches"}`];
    return { training: mode, used, active, lines, hidden: active && ask.hidden(key), ...normalize(batch, used, gamma, beta) };
  });
  const [{ used, output }, { output: otherOutput }] = training ? modes : [...modes].reverse();
  const task = {
    key, question: `What comes out for ${format(batch[chosen])} in ${training ? "training" : "evaluation"}?`,
    explain: explainOutput, total: output[chosen], other: otherOutput[chosen], x: batch[chosen], mean: used.mean,
    variance: used.variance, gamma, beta,
  };
  return { batch, gamma, beta, chosen, training, batchMoments, running, modes, task };
}

function said({ batch, chosen, modes, running }) {
  const outputs = modes.map(({ hidden, output }) => (hidden ? "hidden" : format(output[chosen])));
  return `${format(batch[chosen])} becomes ${outputs[0]} in training, ${outputs[1]} in evaluation. `
    + `Running mean ${format(running.mean)}, variance ${format(running.variance)}`;
}

function build(own) {
  const { get, set, initial } = own;
  /** Shows the layer `count` batches, the first of them the one on the page. */
  function advance(count, again = false) {
    let batch = get("batch"), moved = { mean: get("running_mean"), variance: get("running_var") }, batches = get("batches");
    for (let k = 0; k < count; k++) {
      if (get("training")) [moved, batches] = [moveRunning(moved, batch), batches + 1];
      if (!again) batch = batch.map(() => randomNumber(get("source")));
    }
    set({ batch, batches, running_mean: moved.mean, running_var: moved.variance });
  }
  const ask = predictFirst(own, { next: () => set({ chosen: (get("chosen") + 1) % get("batch").length }) });
  const sources = [...(SOURCES.some((one) => String(one) === String(initial.source)) ? [] : [initial.source]), ...SOURCES];
  const source = choice("New numbers", sources.map(([mean, deviation]) =>
    [[mean, deviation], `around ${format(mean)} ± ${format(deviation)}`]), trait(own, "source"));
  return {
    state: () => stateOf(get, ask), say: said,
    parts: [createTop(own), group({ class: "bn-modes main" }, createMode("Training", true, own), createMode("Evaluation", false, own)),
      ask, createStep(), own.error,
      group({ class: "controls" }, button("Next batch", () => advance(1)), button("10 batches", () => advance(10)),
        button("Same batch again", () => advance(1, true)), source, ask.tick, own.reset)],
  };
}

export default frame({ mark: "batch-norm", label: "Batch normalization", data: ["batch", "gamma", "beta", "running_mean", "running_var"],
  kept: ["batches", "training", "source", "chosen"],
  problem: ({ batch, chosen }) => (chosen < batch.length ? "" : "The batch has no such number."), build });
