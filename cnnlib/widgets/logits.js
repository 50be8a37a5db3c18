// Logits to drag: probabilities, the loss and its gradient follow.
import { announcer, copyWith, field, format, h, misread, mount, parse, select, setter, speaker } from "./shared/view/dom.js";
import { sum } from "./shared/math/lists.js";
import { array } from "./shared/math/array.js";
import { cross_entropy, cross_entropy_backward, softmax } from "./shared/math/loss.js";
import { prediction } from "./shared/view/predict.js";

const SMALLEST_REACH = 15;
const LARGEST = 1e6;
const GIVEN = "as given";
/** Name to [logits, target]; all for three classes but the two that can be made for any number. */
const PRESETS = new Map([
  ["worked example", () => [[7.86, 8.78, 9.64], 2]],
  ["second image, a lion", () => [[9.2, 10.56, 6.09], 0]],
  ["third image, a tiger", () => [[5.37, 11.65, 5.49], 1]],
  ["chance", (count, target) => [Array(count).fill(0), target]],
  ["overflow", (count, target) => [Array.from({ length: count }, (_, k) => 1000 + k), target]],
]);

/** A number that may be huge, tiny or not a number at all. */
function wide(number) {
  if (Number.isNaN(number)) return "not a number";
  if (Math.abs(number) === Infinity) return number > 0 ? "∞" : "−∞";
  const size = Math.abs(number);
  if (size === 0 || (size >= 1e-3 && size < 1e6)) return format(number, size < 100 ? 4 : 1);
  const [digits, exponent] = number.toExponential(3).split("e");
  return [`${digits.replace("-", "−")}·10`, h("sup", {}, exponent.replace("+", "").replace("-", "−"))];
}

/** The slider's half: far enough for every logit, and no further than it needs to be. */
function reach(logits) {
  const most = Math.max(...logits.map(Math.abs));
  return most <= SMALLEST_REACH ? SMALLEST_REACH : 10 ** Math.ceil(Math.log10(most * 1.0001));
}

/** One class: its slider, its number, e to it, its bar and its gradient. */
function createRow(k, { get, setLogit, setTarget, complain, group }) {
  const name = () => get("classes")[k];
  const right = h("input", { type: "radio", name: group, change: () => setTarget(k) });
  const label = h("span");
  const slider = h("input", { type: "range", step: "any", input: () => setLogit(k, Number(slider.value)) });
  slider.addEventListener("keydown", (event) => {
    const unit = Number(slider.max) / 150;
    const by = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (!by) return;
    event.preventDefault();
    setLogit(k, get("logits")[k] + by * unit);
  });
  const typed = h("input", { type: "text", autocomplete: "off", size: 8, change: () => read(), keydown: (event) => {
    if (event.key === "Enter") read();
    if (event.key === "Escape") typed.value = format(get("logits")[k]);
  } });
  function read() {
    const value = parse(typed.value), fits = Math.abs(value) <= LARGEST;
    typed.setAttribute("aria-invalid", !fits);
    complain(fits ? "" : Number.isNaN(value) ? misread(typed.value) : "A logit may be at most 1,000,000 here.");
    if (fits) setLogit(k, value, true);
  }
  const bars = ["p", "g"].map((kind) => h("span", { class: `bar ${kind}`, "aria-hidden": "true" }, h("span", { class: "fill" })));
  const [exponential, p, gradient] = ["e", "p", "g"].map((kind) => h("span", { class: `value ${kind}` }));
  const cells = [
    h("label", { class: "name" }, right, label), h("span", { class: "logit" }, slider, typed),
    exponential, h("span", { class: "measure" }, bars[0], p), h("span", { class: "measure" }, bars[1], gradient)];
  return {
    element: h("div", { class: "logit-row", role: "row" }, cells.map((cell) => h("div", { role: "cell" }, cell))),
    update({ logits, exponentials, probabilities, gradients, hidden, limit }) {
      label.textContent = name();
      right.checked = get("target") === k;
      right.setAttribute("aria-label", `${name()} is the right class`);
      slider.min = -limit;
      slider.max = limit;
      slider.value = logits[k];
      slider.setAttribute("aria-label", `Logit of ${name()}`);
      slider.setAttribute("aria-valuetext", format(logits[k]));
      typed.setAttribute("aria-label", `Logit of ${name()}, typed`);
      if (document.activeElement !== typed || parse(typed.value) !== logits[k]) typed.value = format(logits[k]);
      typed.removeAttribute("aria-invalid");
      const text = (number) => (hidden ? "?" : wide(number));
      exponential.replaceChildren(...[wide(exponentials[k])].flat());
      p.replaceChildren(...[text(probabilities[k])].flat());
      gradient.replaceChildren(...[text(gradients[k])].flat());
      bars[0].firstChild.style.width = `${hidden ? 0 : 100 * (probabilities[k] || 0)}%`;
      const size = hidden ? 0 : 50 * Math.abs(gradients[k] || 0);
      bars[1].firstChild.style.width = `${size}%`;
      bars[1].firstChild.style.left = `${gradients[k] < 0 ? 50 - size : 50}%`;
      bars[1].firstChild.classList.toggle("negative", gradients[k] < 0);
    },
  };
}

/** What the usual slips make of a loss. */
function explain({ logits, target, total, p }) {
  const slips = [
    [-total, "ln of a number below 1 is negative. The minus sign of the loss makes it positive."],
    [total / Math.LN10, "That is the logarithm to base 10. The loss takes the natural one, ln."],
    [p[target], "That is the probability of the right class. The loss is minus its logarithm."],
    [-Math.log(logits[target] / sum(logits)), "That shares out the logits themselves. First raise e to the power of each."],
    ...p.map((one, k) => [k === target ? NaN : -Math.log(one), "That is the loss for another target."]),
  ];
  return { slips, otherwise: "Not that. Divide the right class's e to the logit by the sum of them all, take ln, turn the sign." };
}

/** The loss, its gradient and the probabilities, whatever the size of the logits. */
function exact(logits, target) {
  const x = array(logits);
  return { loss: cross_entropy(x, target), gradients: [...cross_entropy_backward(1, x, target).data], probabilities: [...softmax(x).data] };
}

/** What is computed from the logits, with the largest taken off first or, as it is seen to fail, not. */
function computed(logits, target, stable) {
  const shift = stable ? Math.max(...logits) : 0;
  const exponentials = logits.map((logit) => Math.exp(logit - shift)), total = sum(exponentials);
  if (stable) return { shift, exponentials, total, ...exact(logits, target) };
  const probabilities = exponentials.map((e) => e / total);
  return { shift, exponentials, total, probabilities, loss: -Math.log(probabilities[target]) + 0,
    gradients: probabilities.map((p, k) => p - (k === target ? 1 : 0)) };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const initial = Object.fromEntries(["logits", "target", "stable"].map((name) => [name, get(name)]));
  let known = "", limit = 0;

  const key = () => JSON.stringify([get("logits"), get("target")]);
  const hidden = () => get("predict") && known !== key();
  function complain(message) {
    if (error.textContent !== message) error.textContent = message;
  }
  function setLogit(k, value, exactly = false) {
    const rounded = exactly ? value : Number(value.toFixed(2));
    if (exactly) limit = 0; // the sliders fit what is typed
    set({ logits: copyWith(get("logits"), [k], Math.min(Math.max(rounded, -LARGEST), LARGEST)) });
  }
  function restart(traits) {
    known = "";
    limit = 0;
    set({ score: [0, 0], ...traits });
  }

  const error = h("p", { class: "error", role: "alert" });
  const live = announcer();
  const group = `target-${Math.random()}`; // radio buttons of one widget belong together
  const rows = get("logits").map((_, k) => createRow(k, { get, setLogit, setTarget: (target) => set({ target }), complain, group }));
  const power = h("span");
  const head = h("div", { class: "logit-row head", role: "row" },
    ["right class", "logit", power, "probability p", "gradient p − y"].map((text) => h("div", { role: "columnheader" }, text)));
  const table = h("div", { class: "logit-table", role: "table", "aria-label": "Logits" }, head, rows.map((row) => row.element));
  const written = h("div", { class: "sum" });
  const predict = prediction({
    explain,
    onnext: () => restart({ score: get("score"), logits: get("logits").map(() => Math.round(60 * Math.random() - 20) / 10), target: Math.floor(get("logits").length * Math.random()) }),
    onreveal: (right) => {
      const [good, asked] = get("score");
      if (known !== key()) set({ score: [good + (right ? 1 : 0), asked + 1] });
      known = key();
      draw();
    },
  });

  const named = (name) => (name === GIVEN ? [initial.logits, initial.target] : PRESETS.get(name)(get("logits").length, get("target")));
  const names = [...PRESETS.keys()].filter((name) => named(name)[0].length === get("logits").length);
  if (!names.some((name) => JSON.stringify(named(name)) === key())) names.unshift(GIVEN);
  const presets = select([...names, "edited"].map((name) => [name, name]), (name) => {
    const [logits, target] = named(name);
    limit = 0;
    set({ logits, target });
  });
  presets.lastChild.disabled = true; // a state, not a choice
  const stable = h("input", { type: "checkbox", change: () => set({ stable: stable.checked }) });
  const ask = h("input", { type: "checkbox", change: () => restart({ predict: ask.checked }) });
  const controls = h("div", { class: "controls" }, field("Logits", presets),
    h("button", { type: "button", click: () => set({ logits: get("logits").map((logit) => Number((logit + 1).toFixed(6))) }) }, "Add 1 to all"),
    h("label", { class: "tick" }, stable, "Subtract the largest first"),
    h("label", { class: "tick" }, ask, "Predict first"),
    h("button", { type: "button", click: () => {
      complain("");
      restart({ ...initial, predict: false });
    } }, "Reset"));

  /** The probability of the right class and the loss, as they are computed. */
  function write({ shift, exponentials, total, probabilities, loss }, logits, target) {
    const show = (number) => (hidden() ? ["?"] : [wide(number)].flat());
    const raised = (logit) => ["e", h("sup", {}, shift ? `${format(logit)} − ${format(shift)}` : format(logit))];
    const one = (nodes) => h("span", { class: "terms" }, nodes);
    written.replaceChildren(
      h("p", {}, one([`p(${get("classes")[target]}) = `, ...raised(logits[target]), " / ("]),
        logits.flatMap((logit, k) => [k ? " + " : "", one(raised(logit))]), ") ",
        one(["= ", ...[wide(exponentials[target])].flat(), " / ", ...[wide(total)].flat()]), " ", one(["= ", ...show(probabilities[target])])),
      h("p", {}, "loss = −ln ", ...show(probabilities[target]), " = ", h("strong", { class: "loss" }, ...show(loss))));
  }
  function draw() {
    complain("");
    const logits = get("logits"), target = get("target"), now = computed(logits, target, get("stable"));
    limit = Math.max(limit, reach(logits)); // it does not shrink under the finger that drags
    power.replaceChildren("e", h("sup", {}, now.shift ? "logit − largest" : "logit"));
    for (const row of rows) row.update({ ...now, logits, hidden: hidden(), limit });
    write(now, logits, target);
    presets.value = names.find((name) => JSON.stringify(named(name)) === key()) ?? "edited";
    stable.checked = get("stable");
    ask.checked = get("predict");
    predict.element.hidden = !get("predict");
    const { loss, probabilities } = exact(logits, target);
    predict.update({ key: key(), question: "What is the loss?", total: loss, logits, target, p: probabilities,
      score: get("score"), known: !hidden() });
    speak(hidden() ? "" : `loss ${written.querySelector(".loss").textContent}, ${rows.map((row, k) =>
      `${get("classes")[k]} ${row.element.querySelector(".value.p").textContent}`).join(", ")}`);
  }
  const speak = speaker(live);

  const root = h("div", { class: "cnn-widget logits", role: "group", "aria-label": "Logits" },
    table, written, predict.element, error, controls, live);
  return mount(el, root, model, draw);
}

export default { render };
