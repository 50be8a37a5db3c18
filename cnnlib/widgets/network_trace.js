// The worked network on one canvas: choose a number, and see where it came from and what it does to the loss.
import { descent } from "./shared/view/descent.js";
import { announcer, copyWith, factor, field, format, h, mount, select, setter, speaker } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";
import { lines } from "./shared/view/lines.js";
import { sum } from "./shared/math/lists.js";
import { PARAMETERS, layerTable, networkDescent, networkGradients, networkGraph, networkTables, networkUsers, networkValues, winner } from "./shared/view/network.js";
import { player, spacePlays } from "./shared/view/player.js";
import { prediction, slipsOfSum } from "./shared/view/predict.js";

/** The canvas, step by step of the forward pass; the last layer of each is computed, the others are given. */
const STEPS = [
  ["Image", ["image"]], ["Convolution", ["kernel", "bias", "map"]], ["ReLU", ["relu"]], ["Max pooling", ["pool"]],
  ["Flatten", ["flat"]], ["Dense 1", ["weight_1", "bias_1", "sums"]], ["ReLU", ["hidden"]],
  ["Dense 2", ["weight_2", "bias_2", "logits"]], ["Softmax", ["probability"]], ["Loss", ["target", "loss"]],
];
/**
 * What the player walks through: the layers that each step reaches, and the number that it shows of
 * them until the reader has chosen something else there.
 */
const PASSES = {
  forward: {
    label: "Step of the forward pass",
    steps: STEPS.map(([, layers]) => layers),
    titles: STEPS.map(([title]) => title),
    first: ["image[1,1]", "map[1,1]", "relu[1,1]", "pool[0,0]", "flat[0,0]", "sums[0,0]", "hidden[0,0]",
      "logits[2,0]", "probability[2,0]", "loss[0,0]"],
  },
  backward: {
    label: "Step of the backward pass",
    steps: [["loss", "target"], ["probability"], ["logits"], ["weight_2", "bias_2"], ["hidden"], ["sums"],
      ["weight_1", "bias_1"], ["flat"], ["pool"], ["relu"], ["map"], ["kernel", "bias"], ["image"]],
    titles: ["Loss", "Softmax", "Logits", "Parameters of dense 2", "Dense 1 after ReLU", "Sums of dense 1",
      "Parameters of dense 1", "Flattened", "Pooled map", "Map after ReLU", "Feature map", "Kernel and bias", "Image"],
    first: ["loss[0,0]", "probability[2,0]", "logits[2,0]", "weight_2[2,0]", "hidden[1,0]", "sums[1,0]",
      "weight_1[1,3]", "flat[3,0]", "pool[1,1]", "relu[2,2]", "map[2,2]", "kernel[0,0]", "image[2,2]"],
  },
};
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
const GIVEN = ["image", ...PARAMETERS];
const PER_CLASS = ["logits", "probability", "target"];
const LOSS = "loss[0,0]";

/** A gradient in about three digits, short enough for a cell; what is not zero never looks like it. */
function short(number) {
  const size = Math.abs(number);
  if (Number.isInteger(number)) return format(number);
  const text = size < 0.0005 ? "≈0" : size < 0.9995 ? number.toFixed(3).replace("0.", ".")
    : size < 100 ? number.toFixed(2) : size < Infinity ? number.toFixed(0) : "∞";
  return text.replace("-", "−");
}

/** A layer's numbers, and in their place, when they are asked for, their gradients. */
function createPlane(layer, { choose, edit, complain }) {
  const onselect = (row, column) => choose(`${layer}[${row},${column}]`);
  const numbers = grid({
    label: LABELS[layer], tone: layer === "image" ? "gray" : "signed", onerror: complain, onselect,
    onedit: GIVEN.includes(layer) ? (row, column, value) => edit(layer, row, column, value) : undefined,
  });
  const gradients = grid({ label: `Gradient: ${LABELS[layer]}`, tone: "signed", onselect });
  const title = h("span", { class: "plane-name" });
  const plane = {
    element: h("div", { class: "plane" }, title, numbers.element, gradients.element),
    shown: numbers,
    show(backward) {
      const swap = backward && layer !== "target"; // p - y is read off the target itself
      numbers.element.hidden = swap;
      gradients.element.hidden = !swap;
      title.textContent = swap ? `d ${SHORT[layer]}` : SHORT[layer];
      plane.shown = swap ? gradients : numbers;
      return swap;
    },
  };
  return plane;
}

/** All layers as grids, in the order of the steps, with the lines of the chosen number. */
function createCanvas({ get, choose, edit, complain }) {
  const stage = h("div", { class: "stage" });
  const planes = new Map();
  for (const [number, [title, layers]] of STEPS.entries()) {
    for (const layer of layers) planes.set(layer, createPlane(layer, { choose, edit, complain }));
    const names = h("ol", { class: "classes" }, get("classes").map((name) => h("li", {}, name)));
    stage.append(h("div", { class: "step" }, h("div", { class: "caption" }, h("b", {}, number ? `${number - 1} ` : ""), title),
      h("div", { class: "planes" }, layers.map((layer) => planes.get(layer).element), title === "Softmax" ? names : null)));
  }
  const web = lines(stage);
  const cell = (name) => {
    const [layer, row, column] = name.split(/[[,\]]/);
    return planes.get(layer).shown.element.querySelector(`[data-row="${row}"][data-column="${column}"]`);
  };

  /** Lines as strong as what they bring: amounts[k] along lines[k]. */
  function weighted(list, amounts, lit = -1) {
    const most = Math.max(...amounts.map(Math.abs));
    return list.map((line, k) => ({
      ...line, width: 1 + 3 * (most > 0 && Number.isFinite(most) ? Math.abs(amounts[k]) / most : 0),
      mark: k === lit || list.length === 1 ? "lit" : amounts[k] < 0 ? "negative" : "positive",
    }));
  }
  /** From each input to the number; from a given number, to all that use it. */
  function connections({ node, users, numbers }) {
    const read = (name) => numbers.get(name);
    if (!node.operation)
      return users.get(node.name).map((user) => ({ from: cell(node.name), to: cell(user.name), mark: "user" }));
    return weighted(node.inputs.map(({ from }) => ({ from: cell(from), to: cell(node.name) })),
      node.inputs.map(({ from, factor: by }) => read(from) * (by ? read(by) : 1)),
      node.operation === "max" ? winner(node, read) : -1);
  }
  /** From each number that reads the chosen one, back to it. */
  function returns({ node, slopes }) {
    const { terms } = slopes.get(node.name);
    return weighted(terms.map(({ user }) => ({ from: cell(node.name), to: cell(user) })),
      terms.map(({ slope, gradient }) => slope * gradient));
  }

  return {
    element: stage, stop: web.stop,
    update(state) {
      const { graph, numbers, slopes, node, hidden, later, backward } = state;
      const partners = new Set(backward
        ? slopes.get(node.name).terms.flatMap(({ user, by }) => [user, by])
        : [...node.inputs.flatMap(({ from, factor: by }) => [from, by]), node.bias]);
      const slope = new Map([...slopes].map(([name, { gradient }]) => [name, gradient]));
      for (const [layer, plane] of planes) {
        const swapped = plane.show(backward), one = plane.shown;
        one.update(layerTable(graph, swapped ? slope : numbers, layer), {
          frame: node.layer === layer ? { row: node.row, column: node.column, rows: 1, columns: 1 } : null,
          cell: (row, column) => {
            const name = `${layer}[${row},${column}]`;
            const part = name === node.name ? "current" : partners.has(name) ? "read" : "";
            const mark = `${later(layer) ? "later" : ""} ${part}`;
            if (hidden(name)) return { text: "?", mark };
            return swapped ? { text: short(slope.get(name)), mark } : { mark };
          },
        });
        if (node.layer === layer && !one.element.contains(document.activeElement))
          one.activate(node.row, node.column);
      }
      web.update(backward ? returns(state) : connections(state));
    },
    light(names) {
      for (const lit of stage.querySelectorAll(".number.lit")) lit.classList.remove("lit");
      for (const name of names) cell(name).classList.add("lit");
    },
  };
}

/** The chosen number's sum, each term a button that leads to its input. */
function createTrace({ place, onlight, onchoose, onback }) {
  const title = h("span", { class: "title" }), loss = h("span", { class: "loss" });
  const text = h("p", { class: "written" });
  const next = h("p", { class: "next-step" });
  const back = h("button", { type: "button", click: onback }, "Back");
  const element = h("div", { class: "trace" }, h("div", { class: "head" }, title, back, loss), text, next);
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

  const button = (label, names, where = names.map(place).join(" times ")) => {
    terms.push(names);
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

  /** The sum that makes the chosen number, or what a given one is there for. */
  function writtenForward({ node, users }, show) {
    const total = h("strong", {}, show(node.name));
    if (node.operation) return WRITTEN[node.operation](node, show, total);
    const count = users.get(node.name).length;
    return [`Given. ${count === 1 ? "One number is" : `${count} numbers are`} computed with it: follow the dashed lines.`];
  }
  /** The sum that makes its gradient: of each later number, how fast it rises with it, times its own gradient. */
  function writtenBackward({ node, graph, numbers, slopes, hidden }) {
    const gradient = (name, write) => (hidden(name) ? "?" : write(slopes.get(name).gradient));
    const own = slopes.get(node.name);
    if (node.layer === "target") return [`Given, and nothing may move it. Its gradient would be −ln p = ${format(own.gradient)}.`];
    const reason = reasonOf(node, own.terms, graph, hidden(node.name) ? null : numbers);
    const end = [" = ", h("strong", {}, gradient(node.name, format)), " ", h("span", { class: "note" }, reason)];
    if (node.name === LOSS) return ["gradient", ...end];
    const term = ({ user, slope, by }, k) => {
      const bare = ["bias", "copy"].includes(roleOf(node, graph.nodes.get(user)));
      const back = gradient(user, k || !bare ? factor : format);
      const what = bare ? "the" : `${by ? place(by) : format(slope)} times the`;
      const one = button(bare ? back : `${(k ? factor : format)(slope)}·${back}`, [user, by].filter(Boolean),
        `${what} gradient of ${place(user)}`);
      one.classList.toggle("zero", slope === 0 || slopes.get(user).gradient === 0);
      return one;
    };
    return ["gradient: ", ...between(own.terms.map(term), " + "), ...end];
  }

  return {
    element,
    update(state) {
      const { node, numbers, slopes, hidden, backward, steps, first, lr } = state;
      const show = (name, write = format) => (hidden(name) ? "?" : write(numbers.get(name)));
      const held = element.contains(document.activeElement) && document.activeElement.dataset.term !== undefined;
      const value = numbers.get(node.name), slope = slopes.get(node.name).gradient;
      terms = [];
      active = 0;
      title.replaceChildren(h("b", {}, place(node.name)), ...(node.operation && !backward ? [] : [` = ${format(value)}`]));
      text.replaceChildren(...(backward ? writtenBackward(state) : writtenForward(state, show)));
      if (held) (text.querySelector("[data-term]") ?? back).focus();
      back.disabled = steps === 0;
      next.hidden = lr === null || !PARAMETERS.includes(node.layer);
      next.replaceChildren(`next step: ${format(value)} − ${lr}·${factor(slope)} = `,
        h("b", {}, format(value - lr * slope)));
      const now = backward ? format(numbers.get(LOSS)) : show(LOSS);
      const change = now === "?" || Math.abs(numbers.get(LOSS) - first) < 5e-5 ? ""
        : ` (${numbers.get(LOSS) > first ? "+" : ""}${format(numbers.get(LOSS) - first)})`;
      loss.replaceChildren("loss ", h("b", {}, now), change);
    },
  };
}

/** What the number is to one that reads it: an input, a weight or a bias of a sum, else the operation. */
const roleOf = (node, user) => (user.operation !== "sum" ? user.operation
  : user.bias === node.name ? "bias" : user.inputs.some(({ from }) => from === node.name) ? "input" : "weight");

/** Why a gradient's factors are what they are, the same for all of its terms; without `numbers`, in words alone. */
function reasonOf(node, terms, graph, numbers) {
  if (node.name === LOSS) return "the loss rises as fast as itself";
  if (!terms.length) return "no later number reads it";
  const role = roleOf(node, graph.nodes.get(terms[0].user)), passed = terms[0].slope !== 0;
  const at = (layer) => format(numbers.get(`${layer}[${node.row},0]`)); // of the same class
  return {
    softmax: () => `together p − y${numbers ? ` = ${at("probability")} − ${at("target")}` : ""}`,
    loss: () => `−y / p${numbers ? ` = −${at("target")} / ${at("probability")}` : ""}`,
  }[role]?.() ?? {
    input: "weight · gradient of the sum",
    weight: "the number it met · gradient of the sum",
    bias: terms.length > 1 ? "the gradients of all sums it was added to" : "the gradient of the sum it was added to",
    relu: passed ? "ReLU let it pass: factor 1" : "ReLU stopped it: factor 0",
    max: passed ? "the largest of its window: factor 1" : "not the largest of its window: factor 0",
    copy: "moved back to where it came from",
  }[role];
}

/** What the usual slips make of a number, by the operation that makes it. */
function explain({ node, terms, bias, total }) {
  const numbers = terms.map((term) => term.pixel);
  const products = sum(terms.map((term) => term.pixel * term.weight));
  if (node.layer === "map") return slipsOfSum({ terms, bias });
  const slips = {
    sum: [[products, `That is the sum of the products. The bias, ${format(bias)}, is still to be added.`],
      [sum(numbers) + bias, "That adds the inputs. Each is multiplied by its weight first."]],
    relu: [[numbers[0], "ReLU writes 0 for what is below zero."]],
    max: [[sum(numbers) / numbers.length, "That is the mean. Max pooling takes the largest."],
      [sum(numbers), "That is the sum. Max pooling takes the largest."]],
    softmax: [[numbers[node.row] / sum(numbers), "That shares out the logits. First raise e to the power of each."]],
    loss: [[-total, "The logarithm of a probability is negative; the minus sign makes the loss positive."],
      [total / Math.LN10, "That is the logarithm to base 10. The loss takes the natural one."]],
  }[node.operation] ?? [];
  return { slips, otherwise: "Not that. The inputs are outlined; look at the sum once more." };
}

/** Close enough for a gradient that was worked out from rounded ones. */
const sameGradient = (answer, total) => Math.abs(answer - total) <= 1e-4 + 0.005 * Math.abs(total);

/** What the usual slips make of a gradient. */
function explainGradient({ terms, total, node, numbers }) {
  const slopes = terms.map(({ slope }) => slope), gradients = terms.map(({ gradient }) => gradient);
  const sent = terms.map(({ slope, gradient }) => slope * gradient).filter((part) => part !== 0);
  const p = node.layer === "logits" ? numbers.get(`probability[${node.row},0]`) : NaN;
  const slips = [
    [p, "That is the probability. Subtract the target's number from it."],
    [-total, "The sign is turned round."],
    [slopes.every((slope) => slope === 0) ? sum(gradients) : NaN, "Nothing comes back this way: its factor is 0."],
    [sum(gradients), "That adds the gradients. Each is multiplied by its factor first."],
    [sum(slopes), "That leaves the gradients out. Each factor is multiplied by the gradient beside it."],
    [total / terms.length, "That is the mean. What comes back is added, not averaged."],
    ...(terms.length > 1 ? sent : []).map((part) => [part, "That is what one of the later numbers sends. Add up what all of them send."]),
  ];
  return { slips, otherwise: node.layer === "logits" ? "Not that. Take p − y: the probability of the class, minus 1 if it is the target's."
    : "Not that. The later numbers are outlined: multiply the gradient of each by its factor, and add." };
}

/** What is shown, as the traits say: which pass, how far it has come, and what is still to be predicted. */
function createView({ get, graph, users, known }) {
  const all = [...graph.nodes.values()];
  const mode = () => get("mode");
  const backward = () => mode() !== "forward" && get("show_gradients");
  const passName = () => (mode() === "backward" ? "backward" : "forward");
  const pass = () => PASSES[passName()];
  const stepOf = (layer) => pass().steps.findIndex((layers) => layers.includes(layer));
  const position = () => Math.min(get("position"), pass().steps.length - 1);
  const asking = () => get("predict") && mode() !== "step" && backward() === (mode() === "backward");
  const computed = all.filter(({ operation }) => operation && operation !== "copy");
  return {
    mode, backward, passName, pass, stepOf, position,
    /** Whether the player has not come to a layer yet. */
    later(layer) {
      const follows = mode() === "backward" ? backward() : mode() === "forward" && graph.nodes.get(`${layer}[0,0]`).operation;
      return follows && stepOf(layer) > position();
    },
    /** Forward every computed number is asked for, backward every gradient; one that is only moved is not. */
    asked: () => (!asking() ? [] : !backward() ? computed
      : pass().steps.slice(1).flatMap((layers) => all.filter(({ layer }) => layers.includes(layer) && layer !== "pool"))),
    hidden(name) {
      if (!asking()) return false;
      const { layer, operation, inputs } = graph.nodes.get(name);
      const source = backward() ? users.get(name).find((user) => user.operation === "copy")?.name
        : operation === "copy" ? inputs[0].from : undefined;
      if (source) return !known.has(source);
      return (backward() ? name !== LOSS && layer !== "target" : Boolean(operation)) && !known.has(name);
    },
  };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const traits = () => Object.fromEntries([...GIVEN, "target"].map((name) => [name, get(name)]));
  const KEPT = [...GIVEN, "target", "selected", "position", "show_gradients", "lr", "losses"];
  const initial = Object.fromEntries(KEPT.map((name) => [name, get(name)]));
  const graph = networkGraph(networkTables(traits())), users = networkUsers(graph);
  const firstLoss = networkValues(graph, networkTables(traits())).get(LOSS);
  const chosen = { forward: [...PASSES.forward.first], backward: [...PASSES.backward.first] }; // of each step
  const known = new Set(), past = [];
  let drawn = "";

  const view = createView({ get, graph, users, known });
  const { mode, backward, pass, stepOf, position, hidden } = view;
  const place = (name) => {
    const { layer, row, column } = graph.nodes.get(name);
    const { rows, columns } = graph.layers.get(layer);
    const which = PER_CLASS.includes(layer) ? get("classes")[row]
      : columns > 1 ? `row ${row}, column ${column}` : rows > 1 ? `number ${row}` : "";
    return which ? `${LABELS[layer]}, ${which}` : LABELS[layer];
  };
  function complain(message) {
    if (error.textContent !== message) error.textContent = message;
  }
  /** Shows a number; its step becomes part of what is shown. */
  function show(name, changes = {}) {
    const step = stepOf(graph.nodes.get(name).layer);
    const own = graph.nodes.get(name).operation || step === 0 || mode() === "backward";
    if (own) chosen[view.passName()][step] = name;
    set({ position: Math.max(position(), step), selected: name, ...changes });
  }
  function choose(name) {
    bar.pause();
    if (name === get("selected")) return;
    past.push(get("selected"));
    show(name);
  }
  /** A changed number begins a new curve; an editor that is left without a change does not. */
  function edit(layer, row, column, value) {
    const place = Array.isArray(get(layer)[0]) ? [row, column] : [row];
    if (value !== place.reduce((part, index) => part[index], get(layer))) set({ [layer]: copyWith(get(layer), place, value), losses: [] });
  }
  function descend(count) {
    const { traits: now, losses, whole } = networkDescent(graph, traits(), get("lr"), count);
    if (!whole) complain("That step is too long to be computed. Press Reset, and take a smaller learning rate.");
    set({ ...now, losses: [...get("losses"), ...losses] });
  }
  function restart(changes) {
    bar.pause();
    complain("");
    known.clear();
    past.length = 0;
    set({ score: [0, 0], ...changes });
    draw(); // ticking and clearing a box may leave all traits as they were
  }

  const error = h("p", { class: "error", role: "alert" });
  const live = announcer();
  const canvas = createCanvas({ get, choose, edit, complain });
  const trace = createTrace({ place, onlight: canvas.light, onchoose: choose, onback: () => {
    bar.pause();
    show(past.pop());
  } });
  const bar = player({ label: pass().label, onmove: (to) => show(chosen[view.passName()][to], { position: to }) });
  const training = descent({ complain, onstep: descend, onrate: (lr) => set({ lr }) });
  const predict = prediction({
    explain: (task) => (backward() ? explainGradient : explain)(task),
    onnext: () => {
      const all = view.asked();
      choose((all[all.findIndex(({ name }) => name === get("selected")) + 1] ?? all[0]).name);
    },
    onreveal: (right) => {
      const [good, asked] = get("score");
      if (!known.has(get("selected"))) set({ score: [good + (right ? 1 : 0), asked + 1] });
      known.add(get("selected"));
      draw();
    },
  });
  const target = select(get("classes").map((name, k) => [k, name]),
    (value) => set({ target: Number(value), losses: [] }));
  const gradients = h("input", { type: "checkbox", change: () => set({ show_gradients: gradients.checked }) });
  const ask = h("input", { type: "checkbox", change: () => {
    const start = mode() === "backward" ? { show_gradients: true, selected: "logits[0,0]", position: 2 }
      : { selected: "map[0,0]", position: 1 };
    restart(ask.checked ? { predict: true, ...start } : { predict: false });
  } });
  const gradientsTick = h("label", { class: "tick" }, gradients, "Show gradients");
  const askTick = h("label", { class: "tick" }, ask, "Predict first");
  const controls = h("div", { class: "controls" }, field("Target", target), gradientsTick, askTick,
    h("button", { type: "button", click: () => restart({ ...initial, predict: false }) }, "Reset"));

  function question(node, numbers, slopes) {
    const possible = view.asked().includes(node);
    predict.element.hidden = !possible;
    if (!possible) return;
    const task = { key: node.name + drawn, node, score: get("score"), known: !hidden(node.name) };
    if (backward()) {
      const { gradient, terms } = slopes.get(node.name);
      const question = `What is the gradient? ${place(node.name)}:`;
      predict.update({ ...task, question, terms, numbers, total: gradient, same: sameGradient });
    } else {
      const terms = node.inputs.map(({ from, factor: by }) =>
        ({ channel: 0, pixel: numbers.get(from), weight: by ? numbers.get(by) : 1 }));
      const question = `What is the number? ${place(node.name)}:`, total = numbers.get(node.name);
      predict.update({ ...task, question, terms, bias: numbers.get(node.bias) ?? 0, total });
    }
  }
  function draw() {
    const tables = networkTables(traits());
    const data = JSON.stringify([mode(), tables]);
    if (data !== drawn) known.clear();
    drawn = data;
    const numbers = networkValues(graph, tables), slopes = networkGradients(graph, numbers);
    const node = graph.nodes.get(get("selected")), descending = mode() === "step";
    const state = { graph, users, numbers, slopes, node, hidden, later: view.later, backward: backward() };
    canvas.update(state);
    trace.update({ ...state, steps: past.length, first: firstLoss, lr: descending ? get("lr") : null });
    bar.update(position(), pass().steps.length, pass().titles[position()]);
    const losses = [...get("losses"), numbers.get(LOSS)];
    training.update({ losses, lr: get("lr") });
    target.value = get("target");
    gradients.checked = get("show_gradients");
    ask.checked = get("predict");
    bar.element.hidden = descending;
    training.element.hidden = training.curve.hidden = !descending;
    gradientsTick.hidden = mode() === "forward";
    askTick.hidden = descending;
    question(node, numbers, slopes);
    const steps = descending ? `Loss ${format(losses.at(-1))} after ${training.counted(losses.length - 1)}. ` : "";
    const sum = hidden(node.name) ? "hidden" : trace.element.querySelector(".written").textContent;
    speak(`${steps}${place(node.name)}: ${sum}`);
  }
  const speak = speaker(live, bar);

  const root = h("div", { class: "cnn-widget network-trace", role: "group", "aria-label": "Network, traced" },
    canvas.element, h("div", { class: "dock" }, trace.element, bar.element, training.element),
    predict.element, error, training.curve, controls, live);
  spacePlays(root, { toggle: () => mode() !== "step" && bar.toggle() });
  return mount(el, root, model, draw, () => {
    canvas.stop();
    bar.pause();
  });
}

export default { render };
