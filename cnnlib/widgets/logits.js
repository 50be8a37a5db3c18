// Logits to drag: probabilities, the loss and its gradient follow.
import { presets, same, tick, trait } from "./shared/view/controls.js";
import { button, copyWith, format, h, misread, parse } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { sum } from "./shared/math/lists.js";
import { array } from "./shared/math/array.js";
import { cross_entropy, cross_entropy_backward, softmax } from "./shared/math/loss.js";
import { predictFirst } from "./shared/view/predict.js";

const SMALLEST_REACH = 15;
const LARGEST = 1e6;
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

/** The logit of a class: a slider, and a field to type into. */
function createLogit(k, { get, complain }, setLogit) {
  const slider = h("input", { type: "range", step: "any", input: () => setLogit(k, Number(slider.value)), keydown(event) {
    const by = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (!by) return;
    event.preventDefault();
    setLogit(k, get("logits")[k] + (by * Number(slider.max)) / 150);
  } });
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
  return { element: h("span", { class: "logit" }, slider, typed), update({ classes, logits, limit }) {
    slider.min = -limit;
    slider.max = limit;
    slider.value = logits[k];
    slider.setAttribute("aria-label", `Logit of ${classes[k]}`);
    slider.setAttribute("aria-valuetext", format(logits[k]));
    typed.setAttribute("aria-label", `Logit of ${classes[k]}, typed`);
    if (document.activeElement !== typed || parse(typed.value) !== logits[k]) typed.value = format(logits[k]);
    typed.removeAttribute("aria-invalid");
  } };
}

/** One class: its logit, e to it, its bar and its gradient. */
function createRow(k, name, own, setLogit) {
  const right = h("input", { type: "radio", name, change: () => own.set({ target: k }) });
  const label = h("span"), logit = createLogit(k, own, setLogit);
  const bars = ["p", "g"].map((kind) => h("span", { class: `bar ${kind}`, "aria-hidden": "true" }, h("span", { class: "fill" })));
  const [exponential, p, gradient] = ["e", "p", "g"].map((kind) => h("span", { class: `value ${kind}` }));
  const cells = [h("label", { class: "name" }, right, label), logit,
    exponential, h("span", { class: "measure" }, bars[0], p), h("span", { class: "measure" }, bars[1], gradient)];
  return {
    element: h("div", { class: "logit-row", role: "row" }, cells.map((cell) => h("div", { role: "cell" }, cell))),
    update(now) {
      const { classes, target, exponentials, probabilities, gradients, hidden } = now;
      label.textContent = classes[k];
      right.checked = target === k;
      right.setAttribute("aria-label", `${classes[k]} is the right class`);
      logit.update(now);
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

/** A row for each class. */
function createTable(own, setLogit) {
  const group = `target-${Math.random()}`; // radio buttons of one widget belong together
  const rows = own.get("logits").map((_, k) => createRow(k, group, own, setLogit)), power = h("span");
  const head = h("div", { class: "logit-row head", role: "row" },
    ["right class", "logit", power, "probability p", "gradient p − y"].map((text) => h("div", { role: "columnheader" }, text)));
  return { element: h("div", { class: "logit-table", role: "table", "aria-label": "Logits" }, head, rows), rows, update(now) {
    power.replaceChildren("e", h("sup", {}, now.shift ? "logit − largest" : "logit"));
    for (const row of rows) row.update(now);
  } };
}

/** The probability of the right class and the loss, as they are computed. */
function createSum() {
  const element = h("div", { class: "sum" });
  return { element, update({ classes, logits, target, shift, exponentials, total, probabilities, loss, hidden }) {
    const show = (number) => (hidden ? ["?"] : [wide(number)].flat());
    const raised = (logit) => ["e", h("sup", {}, shift ? `${format(logit)} − ${format(shift)}` : format(logit))];
    const one = (nodes) => h("span", { class: "terms" }, nodes);
    element.replaceChildren(
      h("p", {}, one([`p(${classes[target]}) = `, ...raised(logits[target]), " / ("]),
        logits.flatMap((logit, k) => [k ? " + " : "", one(raised(logit))]), ") ",
        one(["= ", ...[wide(exponentials[target])].flat(), " / ", ...[wide(total)].flat()]), " ", one(["= ", ...show(probabilities[target])])),
      h("p", {}, "loss = −ln ", ...show(probabilities[target]), " = ", h("strong", { class: "loss" }, ...show(loss))));
  } };
}

/** The ready logits for as many classes as there are; those that were given are named if they are none of them. */
function createPresets({ get, initial }, write) {
  const count = get("logits").length, given = [initial.logits, initial.target];
  const makers = new Map([...PRESETS].map(([name, make]) => [name, () => make(count, get("target"))]).filter(([, make]) => make()[0].length === count));
  const known = [...makers.values()].some((make) => same(make(), given));
  return presets("Logits", makers, { write, read: () => [get("logits"), get("target")], given: known ? undefined : () => given });
}

function build(own) {
  const { get, set } = own;
  let limit = 0;
  function setLogit(k, value, exactly = false) {
    const rounded = exactly ? value : Number(value.toFixed(2));
    if (exactly) limit = 0; // the sliders fit what is typed
    set({ logits: copyWith(get("logits"), [k], Math.min(Math.max(rounded, -LARGEST), LARGEST)) });
  }
  function choose([logits, target]) {
    limit = 0;
    set({ logits, target });
  }
  const ask = predictFirst(own, { explain, next: () => choose([get("logits").map(() => Math.round(60 * Math.random() - 20) / 10),
    Math.floor(get("logits").length * Math.random())]) });
  const table = createTable(own, setLogit), sums = createSum();
  function state() {
    const [classes, logits, target] = ["classes", "logits", "target"].map(get), hidden = ask.hidden("loss");
    limit = Math.max(limit, reach(logits)); // it does not shrink under the finger that drags
    const { loss, probabilities } = exact(logits, target);
    const task = { key: "loss", question: "What is the loss?", total: loss, logits, target, p: probabilities };
    return { classes, logits, target, limit, hidden, task, ...computed(logits, target, get("stable")) };
  }
  const say = ({ hidden, classes }) => (hidden ? "" : `loss ${sums.element.querySelector(".loss").textContent}, ${table.rows.map(({ element }, k) =>
    `${classes[k]} ${element.querySelector(".value.p").textContent}`).join(", ")}`);
  /** What it changes is the logits alone: said, or a listener would wait for more. */
  function addToAll() {
    set({ logits: get("logits").map((logit) => Number((logit + 1).toFixed(6))) });
    own.draw();
    own.announce(`Each logit is 1 larger: ${say(state())}`);
  }
  return {
    state, say, forget: (anew) => anew && (limit = 0),
    parts: [table, dock(sums, ask), own.error, group({ class: "controls" }, createPresets(own, choose),
      button("Add 1 to all", addToAll),
      tick("Subtract the largest first", trait(own, "stable")), ask.tick, own.reset)],
  };
}

export default frame({ mark: "logits", label: "Logits", data: ["logits", "target"], kept: ["stable"],
  problem: ({ logits, classes, target }) => (classes.length === logits.length && target < logits.length ? "" : "There is not one name for each logit, or no such class."), build });
