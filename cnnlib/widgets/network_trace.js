// The worked network on one canvas: choose a number, and see where it came from.
import { announcer, copyWith, factor, field, format, h, redraw, select, setter } from "./shared/dom.js";
import { grid } from "./shared/grid.js";
import { lines } from "./shared/lines.js";
import { layerTable, networkGraph, networkTables, networkUsers, networkValues, winner } from "./shared/network.js";
import { player, spacePlays } from "./shared/player.js";
import { prediction, slip } from "./shared/predict.js";
import { sum } from "./shared/ops.js";

/** The steps of the forward pass; the last layer of each is what it computes, the others are given. */
const STEPS = [
  ["Image", ["image"]], ["Convolution", ["kernel", "bias", "map"]], ["ReLU", ["relu"]], ["Max pooling", ["pool"]],
  ["Flatten", ["flat"]], ["Dense 1", ["weight_1", "bias_1", "sums"]], ["ReLU", ["hidden"]],
  ["Dense 2", ["weight_2", "bias_2", "logits"]], ["Softmax", ["probability"]], ["Loss", ["target", "loss"]],
];
const stepOf = (layer) => STEPS.findIndex(([, layers]) => layers.includes(layer));
const LABELS = {
  image: "Image", kernel: "Kernel", bias: "Bias", map: "Feature map", relu: "Map after ReLU", pool: "Pooled map",
  flat: "Flattened", weight_1: "Weights of dense 1", bias_1: "Biases of dense 1", sums: "Sums of dense 1",
  hidden: "Dense 1 after ReLU", weight_2: "Weights of dense 2", bias_2: "Biases of dense 2", logits: "Logits",
  probability: "Probabilities", target: "Target", loss: "Loss",
};
const SHORT = {
  image: "pixels", kernel: "kernel", bias: "bias", map: "map", relu: "map", pool: "map", flat: "vector",
  weight_1: "weights", bias_1: "bias", sums: "sums", hidden: "outputs",
  weight_2: "weights", bias_2: "bias", logits: "logits", probability: "p", target: "target", loss: "loss",
};
const GIVEN = ["image", "kernel", "bias", "weight_1", "bias_1", "weight_2", "bias_2"];
const PER_CLASS = ["logits", "probability", "target"];
/** What the player shows of each step until the reader has chosen something else there. */
const FIRST = ["image[1,1]", "map[1,1]", "relu[1,1]", "pool[0,0]", "flat[0,0]", "sums[0,0]", "hidden[0,0]", "logits[2,0]", "probability[2,0]", "loss[0,0]"];

/** All layers as grids, in the order of the steps, with the lines of the chosen number. */
function createCanvas({ get, choose, edit, complain }) {
  const stage = h("div", { class: "stage" });
  const grids = new Map();
  for (const [number, [title, layers]] of STEPS.entries()) {
    const planes = layers.map((layer) => {
      const made = grid({
        label: LABELS[layer], tone: layer === "image" ? "gray" : "signed", onerror: complain,
        onselect: (row, column) => choose(`${layer}[${row},${column}]`),
        onedit: GIVEN.includes(layer) ? (row, column, value) => edit(layer, row, column, value) : undefined,
      });
      grids.set(layer, made);
      return h("div", { class: "plane" }, h("span", { class: "plane-name" }, SHORT[layer]), made.element);
    });
    const names = h("ol", { class: "classes" }, get("classes").map((name) => h("li", {}, name)));
    stage.append(h("div", { class: "step" }, h("div", { class: "caption" }, h("b", {}, `${number} `), title),
      h("div", { class: "planes" }, planes, title === "Softmax" ? names : null)));
  }
  const web = lines(stage);
  const cell = (name) => {
    const [layer, row, column] = name.split(/[[,\]]/);
    return grids.get(layer).element.querySelector(`[data-row="${row}"][data-column="${column}"]`);
  };

  /** A line from each input, as strong as what it brings; from a given number, to all that use it. */
  function connections(node, users, read) {
    if (!node.operation) return users.get(node.name).map((user) => ({ from: cell(node.name), to: cell(user.name), mark: "user" }));
    const brought = node.inputs.map(({ from, factor: by }) => read(from) * (by ? read(by) : 1));
    const most = Math.max(...brought.map(Math.abs));
    const first = node.operation === "max" ? winner(node, read) : -1;
    return node.inputs.map(({ from }, k) => ({
      from: cell(from), to: cell(node.name), width: 1 + 3 * (most > 0 ? Math.abs(brought[k]) / most : 0),
      mark: k === first || node.inputs.length === 1 ? "lit" : brought[k] < 0 ? "negative" : "positive",
    }));
  }

  return {
    element: stage, stop: web.stop,
    update({ graph, numbers, users, node, hidden }) {
      const read = (name) => numbers.get(name);
      const sources = new Set([...node.inputs.flatMap(({ from, factor: by }) => [from, by]), node.bias]);
      for (const [layer, one] of grids) {
        const later = graph.nodes.get(`${layer}[0,0]`).operation && stepOf(layer) > get("position") ? "later" : "";
        one.update(layerTable(graph, numbers, layer), {
          frame: node.layer === layer ? { row: node.row, column: node.column, rows: 1, columns: 1 } : null,
          cell: (row, column) => {
            const name = `${layer}[${row},${column}]`;
            const mark = `${later} ${name === node.name ? "current" : sources.has(name) ? "read" : ""}`;
            return hidden(name) ? { text: "?", mark } : { mark };
          },
        });
        if (node.layer === layer && !one.element.contains(document.activeElement)) one.activate(node.row, node.column);
      }
      web.update(connections(node, users, read));
    },
    light(names) {
      for (const lit of stage.querySelectorAll(".number.lit")) lit.classList.remove("lit");
      for (const name of names) cell(name).classList.add("lit");
    },
  };
}

/** The chosen number's sum, each term a button that leads to its input. */
function createTrace({ place, onlight, onchoose, onback }) {
  const title = h("span", { class: "title" }), loss = h("span", { class: "loss" }), text = h("p", { class: "written" });
  const back = h("button", { type: "button", click: onback }, "Back");
  const element = h("div", { class: "trace" }, h("div", { class: "head" }, title, back, loss), text);
  let terms = [], active = 0;

  const at = (event) => event.target.closest("[data-term]")?.dataset.term;
  const light = (event) => onlight(at(event) === undefined ? [] : terms[at(event)]);
  for (const name of ["pointerover", "focusin"]) text.addEventListener(name, light);
  for (const name of ["pointerleave", "focusout"]) text.addEventListener(name, () => onlight([]));
  text.addEventListener("click", (event) => at(event) !== undefined && onchoose(terms[at(event)][0]));
  text.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? terms.length - 1 : step && active + step;
    if (to === undefined || !terms[to]) return;
    event.preventDefault();
    const buttons = text.querySelectorAll("[data-term]");
    buttons[active].tabIndex = -1;
    active = to;
    buttons[active].tabIndex = 0;
    buttons[active].focus();
  });

  const button = (label, names) => {
    terms.push(names);
    const where = names.map(place).join(" times ");
    return h("button", { type: "button", class: "term", "data-term": terms.length - 1, tabindex: terms.length > 1 ? -1 : 0,
      "aria-label": `${label}: ${where}`, title: where }, label);
  };
  const between = (nodes, sign) => nodes.flatMap((node, k) => (k ? [sign, node] : [node]));
  const power = (logit) => ["e", h("sup", {}, logit)];

  /** How each operation is written; `show(name)` is a number as text, or a question mark. */
  const WRITTEN = {
    sum: ({ inputs, bias }, show, total) => [
      ...between(inputs.map(({ from, factor: by }) => button(`${show(from)}·${show(by, factor)}`, [from, by])), " + "), " ",
      h("span", { class: "terms" }, "+ ", show(bias, factor), " = ", total)],
    relu: ({ inputs: [{ from }] }, show, total) => ["max(", button(show(from), [from]), ", 0) = ", total],
    max: ({ inputs }, show, total) => ["the largest of ", ...between(inputs.map(({ from }) => button(show(from), [from])), ", "), " = ", total],
    copy: ({ inputs: [{ from }] }, show, total) => ["moved here: ", button(show(from), [from]), " = ", total],
    softmax: ({ inputs, row }, show, total) => [...power(show(inputs[row].from)), " / (",
      ...between(inputs.map(({ from }) => {
        const term = button(`e to the ${show(from)}`, [from]);
        term.replaceChildren(...power(show(from)));
        return term;
      }), " + "), ") = ", total],
    loss: ({ inputs }, show, total) => ["−(",
      ...between(inputs.map(({ from, factor: by }) => button(`${show(by)}·ln ${show(from)}`, [from, by])), " + "), ") = ", total],
  };

  return {
    element,
    update({ node, users, numbers, hidden, steps, first }) {
      const show = (name, write = format) => (hidden(name) ? "?" : write(numbers.get(name)));
      const total = h("strong", {}, show(node.name));
      const held = element.contains(document.activeElement) && document.activeElement.dataset.term !== undefined;
      terms = [];
      active = 0;
      title.replaceChildren(h("b", {}, place(node.name)), ...(node.operation ? [] : [` = ${show(node.name)}`]));
      const count = users.get(node.name).length;
      text.replaceChildren(...(node.operation ? WRITTEN[node.operation](node, show, total)
        : [`Given. ${count === 1 ? "One number is" : `${count} numbers are`} computed with it: follow the dashed lines.`]));
      if (held) (text.querySelector("[data-term]") ?? back).focus();
      back.disabled = steps === 0;
      const now = numbers.get("loss[0,0]");
      const change = hidden("loss[0,0]") || Math.abs(now - first) < 5e-5 ? "" : ` (${now > first ? "+" : ""}${format(now - first)})`;
      loss.replaceChildren("loss ", h("b", {}, show("loss[0,0]")), change);
    },
  };
}

/** Names the slip behind a wrong number, by the operation that makes it. */
function explain(answer, { node, terms, bias, total }) {
  const near = (value) => Math.abs(answer - value) <= 0.005;
  const numbers = terms.map((term) => term.pixel);
  const products = sum(terms.map((term) => term.pixel * term.weight));
  if (node.layer === "map") return slip(answer, terms, bias);
  const cases = {
    sum: [[products, `That is the sum of the products. The bias, ${format(bias)}, is still to be added.`],
      [sum(numbers) + bias, "That adds the inputs. Each is multiplied by its weight first."]],
    relu: [[numbers[0], "ReLU writes 0 for what is below zero."]],
    max: [[sum(numbers) / numbers.length, "That is the mean. Max pooling takes the largest."],
      [sum(numbers), "That is the sum. Max pooling takes the largest."]],
    softmax: [[numbers[node.row] / sum(numbers), "That shares out the logits. First raise e to the power of each."]],
    loss: [[-total, "The logarithm of a probability is negative; the minus sign makes the loss positive."],
      [total / Math.LN10, "That is the logarithm to base 10. The loss takes the natural one."]],
  }[node.operation] ?? [];
  return cases.find(([value]) => near(value))?.[1] ?? "Not that. The inputs are outlined; look at the sum once more.";
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const tables = () => networkTables(Object.fromEntries([...GIVEN, "target"].map((name) => [name, get(name)])));
  const initial = Object.fromEntries([...GIVEN, "target", "selected", "position"].map((name) => [name, get(name)]));
  const graph = networkGraph(tables()), users = networkUsers(graph);
  const order = [...graph.nodes.values()].filter(({ operation }) => operation && operation !== "copy");
  const firstLoss = networkValues(graph, tables()).get("loss[0,0]");
  const chosen = [...FIRST]; // of each step
  const known = new Set(), past = [];
  let drawn = "", spoken = "";

  const place = (name) => {
    const { layer, row, column } = graph.nodes.get(name);
    const { rows, columns } = graph.layers.get(layer);
    const which = PER_CLASS.includes(layer) ? get("classes")[row]
      : columns > 1 ? `row ${row + 1}, column ${column + 1}` : rows > 1 ? `number ${row + 1}` : "";
    return which ? `${LABELS[layer]}, ${which}` : LABELS[layer];
  };
  const hidden = (name) => {
    const { operation, inputs } = graph.nodes.get(name);
    return operation === "copy" ? hidden(inputs[0].from) : Boolean(operation) && get("predict") && !known.has(name);
  };
  function complain(message) {
    if (error.textContent !== message) error.textContent = message;
  }
  /** Shows a number; its step becomes part of what is shown. */
  function show(name, traits = {}) {
    const step = stepOf(graph.nodes.get(name).layer);
    if (graph.nodes.get(name).operation || step === 0) chosen[step] = name;
    set({ position: Math.max(get("position"), step), selected: name, ...traits });
  }
  function choose(name) {
    bar.pause();
    if (name === get("selected")) return;
    past.push(get("selected"));
    show(name);
  }
  function edit(layer, row, column, value) {
    set({ [layer]: copyWith(get(layer), Array.isArray(get(layer)[0]) ? [row, column] : [row], value) });
  }
  function restart(traits) {
    bar.pause();
    known.clear();
    past.length = 0;
    set({ score: [0, 0], ...traits });
  }

  const error = h("p", { class: "error", role: "alert" });
  const live = announcer();
  const canvas = createCanvas({ get, choose, edit, complain });
  const trace = createTrace({ place, onlight: canvas.light, onchoose: choose, onback: () => {
    bar.pause();
    show(past.pop());
  } });
  const bar = player({ label: "Step of the forward pass", onmove: (to) => show(chosen[to], { position: to }) });
  const predict = prediction({
    explain,
    onnext: () => choose((order[order.findIndex(({ name }) => name === get("selected")) + 1] ?? order[0]).name),
    onreveal: (right) => {
      const [good, asked] = get("score");
      if (!known.has(get("selected"))) set({ score: [good + (right ? 1 : 0), asked + 1] });
      known.add(get("selected"));
      draw();
    },
  });
  const target = select(get("classes").map((name, k) => [k, name]), (value) => set({ target: Number(value) }));
  const ask = h("input", { type: "checkbox", change: () =>
    restart(ask.checked ? { predict: true, selected: order[0].name, position: 1 } : { predict: false }) });
  const controls = h("div", { class: "controls" }, field("Target", target),
    h("label", { class: "tick" }, ask, "Predict first"),
    h("button", { type: "button", click: () => restart({ ...initial, predict: false }) }, "Reset"));

  function question(node, numbers) {
    const terms = node.inputs.map(({ from, factor: by }) => ({ channel: 0, pixel: numbers.get(from), weight: by ? numbers.get(by) : 1 }));
    const asked = order.includes(node);
    predict.element.hidden = !get("predict") || !asked;
    if (asked) predict.update({ key: node.name + drawn, question: `What is the number? ${place(node.name)}:`, node, terms, bias: numbers.get(node.bias) ?? 0,
      total: numbers.get(node.name), score: get("score"), known: !hidden(node.name) });
  }
  function draw() {
    const data = JSON.stringify(tables());
    if (data !== drawn) known.clear();
    drawn = data;
    const numbers = networkValues(graph, tables());
    const node = graph.nodes.get(get("selected"));
    const state = { graph, users, numbers, node, hidden };
    canvas.update(state);
    trace.update({ ...state, steps: past.length, first: firstLoss });
    bar.update(get("position"), STEPS.length, STEPS[get("position")][0]);
    target.value = get("target");
    ask.checked = get("predict");
    question(node, numbers);
    speak(`${place(node.name)}: ${hidden(node.name) ? "hidden" : trace.element.querySelector(".written").textContent}`);
  }
  function speak(sentence) {
    if (!bar.playing && spoken && spoken !== sentence) live.textContent = sentence;
    spoken = sentence;
  }

  const root = h("div", { class: "cnn-widget network-trace", role: "group", "aria-label": "Network, traced" },
    canvas.element, h("div", { class: "dock" }, trace.element, bar.element), predict.element, error, controls, live);
  spacePlays(root, bar);
  el.append(root);
  draw();
  const stop = redraw(model, draw);
  return () => {
    stop();
    canvas.stop();
    bar.pause();
    root.remove();
  };
}

export default { render };
