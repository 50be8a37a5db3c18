// Batch normalization of a few numbers: by the batch, by the running numbers, and what moves them.
import { asking } from "./shared/view/asking.js";
import { announcer, copyWith, factor, field, format, h, misread, mount, parse, select, setter, speaker } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";
import { array } from "./shared/math/array.js";
import { BatchNorm2d, EPS, MOMENTUM, moments } from "./shared/math/normalization.js";

const LARGEST = 9999;
const TOO_LARGE = "A number may be at most 9999 here.";
const SOURCES = [[4, 2], [40, 20], [-10, 1]];
const KEPT = ["batch", "gamma", "beta", "running_mean", "running_var", "batches", "training", "source", "chosen"];

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
function createMode(heading, choose) {
  const name = heading.toLowerCase();
  const state = h("span", { class: "note" }), facts = h("div", { class: "bn-facts" });
  const written = h("p", { class: "sum" });
  const [normalized, output] = ["Normalized", "Output"].map((label) =>
    grid({ label: `${label} in ${name}`, tone: "signed", onselect: (_, column) => choose(column) }));
  const element = h("div", { class: "bn-mode", role: "group", "aria-label": heading },
    h("p", { class: "bn-heading" }, h("strong", {}, heading), " ", state), facts,
    h("p", { class: "plane-name" }, "normalized"), normalized.element,
    h("p", { class: "plane-name" }, "· γ + β = output"), output.element, written);
  return {
    element,
    update({ lines, now, active, chosen, hidden, batch, mean, variance, gamma, beta }) {
      element.classList.toggle("active", active);
      state.textContent = active ? "the layer does this now" : "for comparison";
      facts.replaceChildren(...lines.map((line) => h("p", {}, line)));
      const look = (numbers, secret) => (_, column) => ({
        text: secret && column === chosen ? "?" : short(numbers[column]),
        mark: column === chosen ? "current lit" : "",
      });
      normalized.update([now.normalized], { cell: look(now.normalized, hidden) });
      output.update([now.output], { cell: look(now.output, hidden) });
      for (const one of [normalized, output])
        if (!one.element.contains(document.activeElement)) one.activate(0, chosen);
      const one = (text) => [h("span", { class: "terms" }, text), " "];
      written.replaceChildren(...one(`(${format(batch[chosen])} − ${factor(mean)})`),
        ...one(`/ √(${format(variance)} + ${format(EPS, 5)})`),
        ...one(`· ${factor(gamma)} + ${factor(beta)}`),
        h("span", { class: "terms" }, "= ", h("strong", {}, hidden ? "?" : format(now.output[chosen]))));
    },
  };
}

/** The batch's mean and its variance, both as the sums that they are. */
function describe(batch, { mean, variance }) {
  const squares = batch.map((number) => `${factor(Number((number - mean).toFixed(4)))}²`);
  return [["mean", batch.map(factor), mean], ["variance", squares, variance]].map(([name, terms, result]) =>
    `${name} (${terms.join(" + ")})/${batch.length}\u00a0=\u00a0${format(result)}`);
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const initial = Object.fromEntries(KEPT.map((name) => [name, get(name)]));

  const running = () => ({ mean: get("running_mean"), variance: get("running_var") });
  const choose = (chosen) => set({ chosen });
  function complain(message) {
    if (error.textContent !== message) error.textContent = message;
  }
  /** Shows the layer `count` batches, the first of them the one on the page. */
  function advance(count, again = false) {
    let batch = get("batch"), moved = running(), batches = get("batches");
    for (let k = 0; k < count; k++) {
      if (get("training")) [moved, batches] = [moveRunning(moved, batch), batches + 1];
      if (!again) batch = batch.map(() => randomNumber(get("source")));
    }
    set({ batch, batches, running_mean: moved.mean, running_var: moved.variance });
  }

  const error = h("p", { class: "error", role: "alert" }), live = announcer();
  const numbers = grid({
    label: "Batch", tone: "signed", onerror: complain,
    onselect: (_, column) => choose(column),
    onedit: (_, column, value) => {
      if (Math.abs(value) > LARGEST) complain(TOO_LARGE);
      else set({ batch: copyWith(get("batch"), [column], value) });
    },
  });
  const typed = [["gamma", "γ"], ["beta", "β"]].map(([name, label]) =>
    typedNumber(name, label, { get, set, complain }));
  const button = (label, click) => h("button", { type: "button", click }, label);
  const modes = [["Training", true], ["Evaluation", false]].map(([label, training]) =>
    ({ training, ...createMode(label, choose), button: button(label, () => set({ training })) }));
  const step = h("p", { class: "sum bn-step" });
  const ask = asking({ get, set, draw, onnext: () => choose((get("chosen") + 1) % get("batch").length) });

  const given = SOURCES.some((one) => String(one) === String(initial.source)) ? [] : [initial.source];
  const named = ([mean, deviation]) =>
    [String([mean, deviation]), `around ${format(mean)} ± ${format(deviation)}`];
  const source = select([...given, ...SOURCES].map(named),
    (value) => set({ source: value.split(",").map(Number) }));
  const controls = h("div", { class: "controls" },
    button("Next batch", () => advance(1)), button("10 batches", () => advance(10)),
    button("Same batch again", () => advance(1, true)), field("New numbers", source), ask.tick,
    button("Reset", () => {
      complain("");
      set({ ...initial, predict: false, score: [0, 0] });
    }));

  /** What the next batch does to the running numbers. */
  function drawStep(own) {
    const { mean, variance } = running(), count = get("batch").length;
    const moved = moveRunning({ mean, variance }, get("batch"));
    const one = (...nodes) => [h("span", { class: "terms" }, nodes), " "];
    const line = (name, from, to, result) => [`${name} `,
      ...one(`${format(from)} + ${MOMENTUM}·(${format(to)} − ${factor(from)})`),
      ...one("= ", h("strong", {}, format(result))), h("br")];
    step.replaceChildren(...(get("training")
      ? ["Before the next batch comes, this one is counted:", h("br"),
        ...line("running mean", mean, own.mean, moved.mean),
        ...line("running variance", variance, own.unbiased, moved.variance),
        h("span", { class: "note" },
          `Here its variance is ${format(own.unbiased)}: `
          + `the sum of the squares divided by ${count - 1}, not by ${count}.`)]
      : ["In evaluation no batch moves the running mean and variance."]));
  }
  function draw() {
    complain("");
    const [batch, gamma, beta, chosen, training] = ["batch", "gamma", "beta", "chosen", "training"].map(get);
    const own = momentsOf(batch), kept = running(), key = `${training},${chosen}`;
    ask.heed(JSON.stringify([batch, gamma, beta, kept]));
    numbers.update([batch], {
      cell: (_, column) => ({ text: short(batch[column]), mark: column === chosen ? "current lit" : "" }),
    });
    if (!numbers.element.contains(document.activeElement)) numbers.activate(0, chosen);
    for (const one of typed) one.update();
    const results = modes.map((mode) => {
      const used = mode.training ? own : kept, now = normalize(batch, used, gamma, beta);
      const active = mode.training === training, lines = mode.training ? describe(batch, own) : [
        `running mean ${format(kept.mean)}`, `running variance ${format(kept.variance)}`,
        `moved by ${get("batches")} ${get("batches") === 1 ? "batch" : "batches"}`];
      const hidden = active && ask.hidden(key);
      mode.update({ lines, now, active, chosen, hidden, batch, gamma, beta, ...used });
      mode.button.setAttribute("aria-pressed", active);
      return { active, used, total: now.output[chosen] };
    });
    drawStep(own);
    source.value = String(get("source"));
    const { used, total } = results.find(({ active }) => active);
    const { total: other } = results.find(({ active }) => !active);
    ask.update(key, {
      question: `What comes out for ${format(batch[chosen])} in ${training ? "training" : "evaluation"}?`,
      explain: explainOutput, total, other, x: batch[chosen], mean: used.mean, variance: used.variance,
      gamma, beta,
    });
    const outputs = results.map((one) => (one.active && ask.hidden(key) ? "hidden" : format(one.total)));
    speak(`${format(batch[chosen])} becomes ${outputs[0]} in training, ${outputs[1]} in evaluation. `
      + `Running mean ${format(kept.mean)}, variance ${format(kept.variance)}`);
  }
  const speak = speaker(live);

  const root = h("div", { class: "cnn-widget batch-norm", role: "group", "aria-label": "Batch normalization" },
    h("div", { class: "bn-top" },
      h("div", {}, h("p", { class: "plane-name" }, "one channel of a batch"), numbers.element),
      h("div", { class: "controls" }, typed.map((one) => one.element)),
      h("div", { class: "controls bn-switch", role: "group", "aria-label": "Mode" },
        modes.map((mode) => mode.button))),
    h("div", { class: "bn-modes" }, modes.map((mode) => mode.element)),
    ask.element, step, error, controls, live);
  return mount(el, root, model, draw);
}

export default { render };
