// The worked network on one canvas: choose a number, and see where it came from and what it does to the loss.
import { choice, tick, trait } from "./shared/view/controls.js";
import { descent } from "./shared/view/descent.js";
import { button, copyWith, factor, format, h, light, roving } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { lines } from "./shared/view/lines.js";
import { sum } from "./shared/math/lists.js";
import { PARAMETERS, layerTable, networkDescent, networkGradients, networkGraph, networkTables, networkUsers, networkValues, winner } from "./shared/view/network.js";
import { player } from "./shared/view/player.js";
import { predictFirst, slipsOfSum } from "./shared/view/predict.js";

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
function createPlane(layer, { complain }, { choose, edit }) {
  const onselect = (row, column) => choose(`${layer}[${row},${column}]`);
  const numbers = grid({
    label: LABELS[layer], tone: layer === "image" ? "gray" : "signed", onerror: complain, onselect,
    onedit: GIVEN.includes(layer) ? (row, column, value) => edit(layer, row, column, value) : undefined,
  });
  const gradients = grid({ label: `Gradient: ${LABELS[layer]}`, tone: "signed", onselect });
  const title = h("span", { class: "plane-name" });
  let shown = numbers;
  return {
    element: h("div", { class: "plane" }, title, numbers, gradients),
    cell: (row, column) => shown.cell(Number(row), Number(column)),
    update({ graph, numbers: values, slopes, node, hidden, later, backward, partners }) {
      const swapped = backward && layer !== "target"; // p - y is read off the target itself
      numbers.element.hidden = swapped;
      gradients.element.hidden = !swapped;
      title.textContent = swapped ? `d ${SHORT[layer]}` : SHORT[layer];
      shown = swapped ? gradients : numbers;
      const slope = new Map([...slopes].map(([name, { gradient }]) => [name, gradient]));
      shown.update(layerTable(graph, swapped ? slope : values, layer), {
        frame: node.layer === layer ? oneCell(node.row, node.column) : null,
        cell: (row, column) => {
          const name = `${layer}[${row},${column}]`;
          const mark = `${later(layer) ? "later" : ""} ${name === node.name ? "current" : partners.has(name) ? "read" : ""}`;
          if (hidden(name)) return { text: "?", mark };
          return swapped ? { text: short(slope.get(name)), mark } : { mark };
        },
      });
    },
  };
}

/** Lines as strong as what they bring: amounts[k] along list[k]. */
function weighted(list, amounts, lit = -1) {
  const most = Math.max(...amounts.map(Math.abs));
  return list.map((line, k) => ({
    ...line, width: 1 + 3 * (most > 0 && Number.isFinite(most) ? Math.abs(amounts[k]) / most : 0),
    mark: k === lit || list.length === 1 ? "lit" : amounts[k] < 0 ? "negative" : "positive",
  }));
}
/** From each input to the number; from a given number, to all that use it. */
function connections({ node, users, numbers }, cell) {
  const read = (name) => numbers.get(name);
  if (!node.operation)
    return users.get(node.name).map((user) => ({ from: cell(node.name), to: cell(user.name), mark: "user" }));
  return weighted(node.inputs.map(({ from }) => ({ from: cell(from), to: cell(node.name) })),
    node.inputs.map(({ from, factor: by }) => read(from) * (by ? read(by) : 1)),
    node.operation === "max" ? winner(node, read) : -1);
}
/** From each number that reads the chosen one, back to it. */
function returns({ node, slopes }, cell) {
  const { terms } = slopes.get(node.name);
  return weighted(terms.map(({ user }) => ({ from: cell(node.name), to: cell(user) })),
    terms.map(({ slope, gradient }) => slope * gradient));
}

/** All layers as grids, in the order of the steps, with the lines of the chosen number. */
function createCanvas(own, actions) {
  const planes = new Map(STEPS.flatMap(([, layers]) => layers).map((layer) => [layer, createPlane(layer, own, actions)]));
  const names = () => h("ol", { class: "classes" }, own.get("classes").map((name) => h("li", {}, name)));
  const stage = h("div", { class: "stage" }, STEPS.map(([title, layers], number) => h("div", { class: "step" },
    h("div", { class: "caption" }, h("b", {}, number ? `${number - 1} ` : ""), title),
    h("div", { class: "planes" }, layers.map((layer) => planes.get(layer)), title === "Softmax" ? names() : null))));
  const web = lines(stage);
  const cell = (name) => {
    const [layer, row, column] = name.split(/[[,\]]/);
    return planes.get(layer).cell(row, column);
  };
  return {
    element: stage, stop: web.stop,
    update(now) {
      for (const plane of planes.values()) plane.update(now);
      web.update((now.backward ? returns : connections)(now, cell));
    },
    light: (names) => light(stage, names.map(cell)),
  };
}

/** A number as text, or a question mark while it is to be found. */
const shower = ({ numbers, hidden }) => (name, write = format) => (hidden(name) ? "?" : write(numbers.get(name)));
const between = (nodes, sign) => nodes.flatMap((node, k) => (k ? [sign, node] : [node]));
const power = (logit) => ["e", h("sup", {}, logit)];

/** How each operation is written; term(label, names) is a button that leads to an input, `show` a shower. */
const WRITTEN = {
  sum: ({ inputs, bias }, show, total, term) => [
    ...between(inputs.map(({ from, factor: by }) => term(`${show(from)}·${show(by, factor)}`, [from, by])), " + "), " ",
    h("span", { class: "terms" }, "+ ", show(bias, factor), " = ", total)],
  relu: ({ inputs: [{ from }] }, show, total, term) => ["max(", term(show(from), [from]), ", 0) = ", total],
  max: ({ inputs }, show, total, term) => ["the largest of ", ...between(inputs.map(({ from }) => term(show(from), [from])), ", "), " = ", total],
  copy: ({ inputs: [{ from }] }, show, total, term) => ["moved here: ", term(show(from), [from]), " = ", total],
  softmax: ({ inputs, row }, show, total, term) => [...power(show(inputs[row].from)), " / (",
    ...between(inputs.map(({ from }) => {
      const one = term(`e to the ${show(from)}`, [from]);
      one.replaceChildren(...power(show(from)));
      return one;
    }), " + "), ") = ", total],
  loss: ({ inputs }, show, total, term) => ["−(",
    ...between(inputs.map(({ from, factor: by }) => term(`${show(by)}·ln ${show(from)}`, [from, by])), " + "), ") = ", total],
};

/** The sum that makes the chosen number, or what a given one is there for. */
function writtenForward(now, term) {
  const { node, users } = now, show = shower(now);
  if (node.operation) return WRITTEN[node.operation](node, show, h("strong", {}, show(node.name)), term);
  const count = users.get(node.name).length;
  return [`Given. ${count === 1 ? "One number is" : `${count} numbers are`} computed with it`, h("span", { class: "to-see" }, ": follow the dashed lines"), "."];
}
/** The sum as it is read aloud. */
function readOut(written) {
  const copy = written.cloneNode(true);
  for (const one of copy.querySelectorAll("sup")) one.prepend(" to the ");
  for (const one of copy.querySelectorAll(".to-see")) one.remove();
  return copy.textContent;
}
/** The sum that makes its gradient: of each later number, how fast it rises with it, times its own gradient. */
function writtenBackward({ node, graph, numbers, slopes, hidden, place }, term) {
  const gradient = (name, write) => (hidden(name) ? "?" : write(slopes.get(name).gradient));
  const own = slopes.get(node.name);
  if (node.layer === "target") return [`Given, and nothing may move it. Its gradient would be −ln p = ${format(own.gradient)}.`];
  const reason = reasonOf(node, own.terms, graph, hidden(node.name) ? null : numbers);
  const end = [" = ", h("strong", {}, gradient(node.name, format)), " ", h("span", { class: "note" }, reason)];
  if (node.name === LOSS) return ["gradient", ...end];
  const back = ({ user, slope, by }, k) => {
    const bare = ["bias", "copy"].includes(roleOf(node, graph.nodes.get(user)));
    const number = gradient(user, k || !bare ? factor : format);
    const what = bare ? "the" : `${by ? place(by) : format(slope)} times the`;
    const one = term(bare ? number : `${(k ? factor : format)(slope)}·${number}`, [user, by].filter(Boolean),
      `${what} gradient of ${place(user)}`);
    one.classList.toggle("zero", slope === 0 || slopes.get(user).gradient === 0);
    return one;
  };
  return ["gradient: ", ...between(own.terms.map(back), " + "), ...end];
}

/** The sum, whose terms are buttons with one tab stop; arrows move, pressing leads to an input. */
function createSum(onlight, onchoose) {
  const text = h("p", { class: "written" }), buttons = () => text.querySelectorAll("[data-term]");
  const stop = roving(text, buttons);
  let terms = [];
  const at = (event) => event.target.closest("[data-term]")?.dataset.term;
  const mark = (event) => onlight(at(event) === undefined ? [] : terms[at(event)]);
  for (const name of ["pointerover", "focusin"]) text.addEventListener(name, mark);
  for (const name of ["pointerleave", "focusout"]) text.addEventListener(name, () => onlight([]));
  text.addEventListener("click", (event) => at(event) !== undefined && onchoose(terms[at(event)][0]));
  return { element: text, update(now) {
    const held = text.contains(document.activeElement);
    terms = [];
    const term = (label, names, where = names.map(now.place).join(" times ")) => {
      terms.push(names);
      return h("button", { type: "button", class: "term", "data-term": terms.length - 1,
        "aria-label": `${label}: ${where}`, title: where }, label);
    };
    text.replaceChildren(...(now.backward ? writtenBackward : writtenForward)(now, term));
    stop(buttons()[0]);
    if (held) (buttons()[0] ?? text.closest(".trace").querySelector("button")).focus();
  } };
}

/** The chosen number, its sum, the next step of training, the loss, and the way back. */
function createTrace(onlight, { choose, back }) {
  const title = h("span", { class: "title" }), loss = h("span", { class: "loss" }), next = h("p", { class: "next-step" });
  const sum = createSum(onlight, choose), backward = button("Back", back);
  const element = h("div", { class: "trace" }, h("div", { class: "head" }, title, backward, loss), sum, next);
  return { element, update(now) {
    const { node, numbers, slopes, steps, firstLoss, lr, place } = now;
    const value = numbers.get(node.name), slope = slopes.get(node.name).gradient;
    title.replaceChildren(h("b", {}, place(node.name)), ...(node.operation && !now.backward ? [] : [` = ${format(value)}`]));
    sum.update(now);
    backward.disabled = steps === 0;
    next.hidden = lr === null || !PARAMETERS.includes(node.layer);
    next.replaceChildren(`next step: ${format(value)} − ${lr}·${factor(slope)} = `,
      h("b", {}, format(value - lr * slope)));
    const shown = now.backward ? format(numbers.get(LOSS)) : shower(now)(LOSS);
    const change = shown === "?" || Math.abs(numbers.get(LOSS) - firstLoss) < 5e-5 ? ""
      : ` (${numbers.get(LOSS) > firstLoss ? "+" : ""}${format(numbers.get(LOSS) - firstLoss)})`;
    loss.replaceChildren("loss ", h("b", {}, shown), change);
  } };
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
function createView({ get, graph, users }, found) {
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
      if (source) return !found(source);
      return (backward() ? name !== LOSS && layer !== "target" : Boolean(operation)) && !found(name);
    },
  };
}

/** A number's name in words. */
const placer = (graph, classes) => (name) => {
  const { layer, row, column } = graph.nodes.get(name);
  const { rows, columns } = graph.layers.get(layer);
  const which = PER_CLASS.includes(layer) ? classes[row]
    : columns > 1 ? `row ${row}, column ${column}` : rows > 1 ? `number ${row}` : "";
  return which ? `${LABELS[layer]}, ${which}` : LABELS[layer];
};

/** What is asked for of the chosen number: itself, or its gradient. */
function taskOf({ node, numbers, slopes, backward, place }) {
  if (backward) {
    const { gradient, terms } = slopes.get(node.name), task = { terms, total: gradient, node, numbers };
    return { key: node.name, question: `What is the gradient? ${place(node.name)}:`, total: gradient, same: sameGradient,
      explain: () => explainGradient(task) };
  }
  const terms = node.inputs.map(({ from, factor: by }) =>
    ({ channel: 0, pixel: numbers.get(from), weight: by ? numbers.get(by) : 1 }));
  const task = { node, terms, bias: numbers.get(node.bias) ?? 0, total: numbers.get(node.name) };
  return { key: node.name, question: `What is the number? ${place(node.name)}:`, total: task.total, explain: () => explain(task) };
}

/** What a reader does with the numbers; `past` are those that were chosen before. */
function createActions(own, { graph, view, bar, past, traits }) {
  const { get, set, complain } = own;
  const chosen = { forward: [...PASSES.forward.first], backward: [...PASSES.backward.first] }; // of each step
  /** Shows a number; its step becomes part of what is shown. */
  function show(name, changes = {}) {
    const step = view.stepOf(graph.nodes.get(name).layer);
    const follows = graph.nodes.get(name).operation || step === 0 || view.mode() === "backward";
    if (follows) chosen[view.passName()][step] = name;
    set({ position: Math.max(view.position(), step), selected: name, ...changes });
  }
  return {
    goTo: (step) => show(chosen[view.passName()][step], { position: step }),
    choose(name) {
      bar().pause();
      if (name === get("selected")) return;
      past.push(get("selected"));
      show(name);
    },
    back() {
      bar().pause();
      show(past.pop());
    },
    /** A changed number begins a new curve; an editor that is left without a change does not. */
    edit(layer, row, column, value) {
      const place = Array.isArray(get(layer)[0]) ? [row, column] : [row];
      if (value !== place.reduce((part, index) => part[index], get(layer))) set({ [layer]: copyWith(get(layer), place, value), losses: [] });
    },
    descend(count) {
      const { traits: now, losses, whole } = networkDescent(graph, traits(), get("lr"), count);
      set({ ...now, losses: [...get("losses"), ...losses] });
      if (!whole) complain("That step is too long to be computed. Press Reset, and take a smaller learning rate.");
    },
  };
}

/** Target, gradients, predict first, reset. */
function createControls(own, ask) {
  const target = choice("Target", own.get("classes").map((name, k) => [k, name]),
    { read: () => own.get("target"), write: (value) => own.set({ target: value, losses: [] }) });
  const gradients = tick("Show gradients", trait(own, "show_gradients"));
  const shownIf = (part, isShown) => ({ ...part, update(now) {
    part.update(now);
    part.element.hidden = !isShown(now);
  } });
  return group({ class: "controls" }, target, shownIf(gradients, ({ mode }) => mode !== "forward"),
    shownIf(ask.tick, ({ mode }) => mode !== "step"), own.reset);
}

function build(own) {
  const { get, set, complain } = own;
  const traits = () => Object.fromEntries([...GIVEN, "target"].map((name) => [name, get(name)]));
  const graph = networkGraph(networkTables(traits())), users = networkUsers(graph), place = placer(graph, get("classes"));
  const firstLoss = networkValues(graph, networkTables(traits())).get(LOSS), past = [];
  const view = createView({ get, graph, users }, (name) => !ask.hidden(name));
  const actions = createActions(own, { graph, view, past, traits, bar: () => bar });
  const ask = predictFirst(own, {
    start: (on) => (!on ? {} : view.mode() === "backward" ? { show_gradients: true, selected: "logits[0,0]", position: 2 }
      : { selected: "map[0,0]", position: 1 }),
    next() {
      const all = view.asked();
      actions.choose((all[all.findIndex(({ name }) => name === get("selected")) + 1] ?? all[0]).name);
    },
  });
  const canvas = createCanvas(own, actions), trace = createTrace(canvas.light, actions);
  const bar = player(own, view.pass().label, actions.goTo);
  const training = descent({ complain, onstep: actions.descend, onrate: (lr) => set({ lr }) });
  function state() {
    const numbers = networkValues(graph, networkTables(traits())), slopes = networkGradients(graph, numbers);
    const node = graph.nodes.get(get("selected")), mode = view.mode(), backward = view.backward(), position = view.position();
    const partners = new Set(backward ? slopes.get(node.name).terms.flatMap(({ user, by }) => [user, by])
      : [...node.inputs.flatMap(({ from, factor: by }) => [from, by]), node.bias]);
    const now = {
      graph, users, place, numbers, slopes, node, partners, hidden: view.hidden, later: view.later, backward, mode, steps: past.length, firstLoss,
      position, count: view.pass().steps.length, where: view.pass().titles[position],
      losses: [...get("losses"), numbers.get(LOSS)], lr: mode === "step" ? get("lr") : null,
    };
    return { ...now, task: view.asked().includes(node) ? taskOf(now) : null };
  }
  const stepping = { element: training.element, update({ mode, losses }) {
    training.update({ losses, lr: get("lr") });
    bar.element.hidden = mode === "step";
    training.element.hidden = training.curve.hidden = mode !== "step";
  } };
  return {
    bar, state, forget: (anew) => anew && (past.length = 0),
    parts: [canvas, dock(trace, bar, stepping, ask), own.error, training.curve, createControls(own, ask)],
    say({ mode, losses, node, hidden }) {
      const steps = mode === "step" ? `Loss ${format(losses.at(-1))} after ${training.counted(losses.length - 1)}. ` : "";
      return `${steps}${place(node.name)}: ${hidden(node.name) ? "hidden" : readOut(trace.element.querySelector(".written"))}`;
    },
  };
}

export default frame({ mark: "network-trace", label: "Network, traced", data: ["mode", ...GIVEN, "target"],
  kept: ["selected", "position", "show_gradients", "lr", "losses"],
  problem: (traits) => (networkGraph(networkTables(traits)).nodes.has(traits.selected) ? "" : "The network has no such number."), build });
