// A dense layer: inputs, weights and neurons, and one neuron's sum, product by product.
import { announcer, copyWith, factor, field, format, h, mount, select, setter, speaker } from "./shared/view/dom.js";
import { grid } from "./shared/view/grid.js";
import { lines } from "./shared/view/lines.js";
import { array } from "./shared/math/array.js";
import { linear } from "./shared/math/dense.js";
import { sum } from "./shared/math/lists.js";
import { player, spacePlays } from "./shared/view/player.js";
import { prediction } from "./shared/view/predict.js";
import { sumPanel } from "./shared/view/sum.js";

const DATA = ["x", "weight", "bias", "activation"];
const ACTIVATIONS = { relu: (number) => Math.max(number, 0), none: (number) => number };
const asColumn = (numbers) => numbers.map((number) => [number]);

/** Inputs, weights, biases, sums and outputs as grids; lines from the inputs to the neurons. */
function createStage({ get, edit, choose, complain }) {
  const make = (label, onedit, tone = "signed") =>
    grid({ label, tone, onerror: complain, onedit, onselect: onedit ? undefined : (row) => choose(row) });
  const grids = {
    x: make("Inputs", (row, _, value) => edit("x", [row], value)),
    sums: make("Sums"),
    output: make("After ReLU"),
    weight: make("Weights", (row, column, value) => edit("weight", [row, column], value)),
    bias: make("Biases", (row, _, value) => edit("bias", [row], value)),
  };
  const plane = (name, title) => h("div", { class: "plane" }, h("span", { class: "plane-name" }, title), grids[name].element);
  const output = plane("output", "ReLU");
  const web = h("div", { class: "web" }, plane("x", "inputs"), h("div", { class: "neurons-out" }, plane("sums", "sums"), output));
  const element = h("div", { class: "stage" }, web,
    h("div", { class: "neurons-table" }, plane("weight", "weights"), plane("bias", "bias")));
  const drawnLines = lines(web);
  const cell = (name, row, column = 0) => grids[name].element.querySelector(`[data-row="${row}"][data-column="${column}"]`);

  function drawLines(k, j, later) {
    const weight = get("weight"), most = Math.max(...weight.flat().map(Math.abs)) || 1;
    const line = (neuron, input) => ({
      from: cell("x", input), to: cell("sums", neuron), width: 1 + (4 * Math.abs(weight[neuron][input])) / most,
      mark: neuron !== k ? "other" : input === j ? "lit" : later(neuron, input) ? "other" : weight[neuron][input] < 0 ? "negative" : "positive",
    });
    const every = weight.flatMap((row, neuron) => row.map((_, input) => line(neuron, input)));
    drawnLines.update(every.sort((a, b) => (a.mark === "other" ? 0 : 1) - (b.mark === "other" ? 0 : 1)));
  }

  return {
    element, stop: drawnLines.stop,
    update({ sums, outputs, k, j, hidden }) {
      const inputs = get("x").length;
      const later = (neuron, input) => neuron > k || (neuron === k && input > j);
      const row = { row: k, column: 0, rows: 1, columns: 1 };
      grids.x.update(asColumn(get("x")), {
        cell: (input) => ({ mark: input === j ? "lit" : input < j ? "read" : "" }),
      });
      grids.weight.update(get("weight"), {
        frame: { ...row, columns: inputs },
        cell: (neuron, input) => ({ mark: neuron === k && input === j ? "lit" : "" }),
      });
      grids.bias.update(asColumn(get("bias")), { frame: row });
      for (const [name, numbers] of [["sums", sums], ["output", outputs]]) {
        grids[name].update(asColumn(numbers), {
          frame: row,
          cell: (neuron) => {
            const mark = `${neuron === k ? "current" : ""} ${later(neuron, inputs - 1) ? "later" : ""}`;
            return hidden(neuron) ? { text: "?", mark } : { mark };
          },
        });
        if (!grids[name].element.contains(document.activeElement)) grids[name].activate(k, 0);
      }
      output.hidden = get("activation") === "none";
      drawLines(k, j, later);
    },
    light(term) {
      for (const lit of element.querySelectorAll(".pointed")) lit.classList.remove("pointed");
      if (!term) return;
      cell("x", term.b).classList.add("pointed");
      cell("weight", term.neuron, term.b).classList.add("pointed");
    },
  };
}

/** What the usual slips make of an output. */
function explain({ terms, bias, total, weight }) {
  const products = sum(terms.map((term) => term.pixel * term.weight));
  const column = terms.length === weight.length && terms.map((term, i) => term.pixel * weight[i][terms[0].neuron]);
  const slips = [
    [products, `That is the sum of the products. The bias, ${format(bias)}, is still to be added.`],
    [products - bias, "The bias is added, not subtracted."],
    [column ? sum(column) + bias : NaN, "Those are the weights of a column. A neuron's weights are a row."],
    [products + bias, "That is the sum. It is negative, so ReLU writes 0."],
    [sum(terms.map((term) => term.pixel)) + bias, "That adds the inputs. Each is multiplied by its weight first."],
    [-total, "The sign is turned round."],
  ];
  return { slips, otherwise: "Not that. Multiply each input by the weight of its line, add all products, then the bias." };
}

function render({ model, el }) {
  const get = (name) => model.get(name);
  const set = setter(model);
  const initial = Object.fromEntries([...DATA, "position"].map((name) => [name, get(name)]));
  const known = new Set(); // the neurons that were predicted or shown
  let drawn = "";

  const inputs = () => get("x").length;
  const position = () => Math.min(get("position"), get("weight").flat().length - 1);
  const neuron = () => Math.floor(position() / inputs());
  const hidden = (k) => get("predict") && !known.has(k);
  function complain(message) {
    if (error.textContent !== message) error.textContent = message;
  }
  function choose(k) {
    bar.pause();
    set({ position: (k + 1) * inputs() - 1 });
  }
  function restart(traits) {
    bar.pause();
    known.clear();
    set({ score: [0, 0], ...traits });
    draw(); // ticking and clearing a box may leave all traits as they were
  }

  const error = h("p", { class: "error", role: "alert" });
  const live = announcer();
  const stage = createStage({ get, choose, complain, edit: (name, place, value) => set({ [name]: copyWith(get(name), place, value) }) });
  const sums = sumPanel(stage.light);
  const after = h("p", { class: "after" });
  const bar = player({ label: "Product", onmove: (to) => set({ position: to }) });
  const predict = prediction({
    explain,
    onnext: () => choose((neuron() + 1) % get("weight").length),
    onreveal: (right) => {
      const [good, asked] = get("score");
      if (!known.has(neuron())) set({ score: [good + (right ? 1 : 0), asked + 1] });
      known.add(neuron());
      draw();
    },
  });
  const activation = select([["relu", "ReLU"], ["none", "none"]], (value) => set({ activation: value }));
  const ask = h("input", { type: "checkbox", change: () => restart({ predict: ask.checked, ...(ask.checked ? { position: inputs() - 1 } : {}) }) });
  const controls = h("div", { class: "controls" }, field("Activation", activation),
    h("label", { class: "tick" }, ask, "Predict first"),
    h("button", { type: "button", click: () => restart({ ...initial, predict: false }) }, "Reset"));

  /** How far the sum has come, and what becomes of it. */
  function writeAfter(terms, j, total, output, isHidden) {
    const soFar = terms.slice(0, j + 1), last = j === terms.length - 1;
    const { pixel, weight } = terms[j];
    const products = `Product ${j + 1} of ${terms.length}: ${format(pixel)}·${factor(weight)} = ${format(pixel * weight)}; together ${format(sum(soFar.map((t) => t.pixel * t.weight)))}`;
    const end = get("activation") === "relu" ? `ReLU: max(${isHidden ? "?" : format(total)}, 0) = ${isHidden ? "?" : format(output)}` : "";
    after.textContent = isHidden || !last ? (isHidden ? end : products) : [products, end].filter(Boolean).join(". ");
  }
  function draw() {
    const [x, weight, bias] = ["x", "weight", "bias"].map(get);
    const data = JSON.stringify(DATA.map(get));
    if (data !== drawn) known.clear();
    drawn = data;
    const k = neuron(), j = position() % inputs(), isHidden = hidden(k);
    const all = [...linear(array(x), array(weight), array(bias)).data], outputs = all.map(ACTIVATIONS[get("activation")]);
    const terms = x.map((pixel, b) => ({ channel: 0, a: b, b, neuron: k, pixel, weight: weight[k][b] }));
    sums.update(terms, bias[k], isHidden);
    sums.element.querySelectorAll("[data-term]").forEach((term, b) => term.classList.toggle("now", b === j));
    writeAfter(terms, j, all[k], outputs[k], isHidden);
    stage.update({ sums: all, outputs, k, j, hidden });
    const where = `neuron ${k}, input ${j}`;
    bar.update(position(), weight.flat().length, where);
    activation.value = get("activation");
    ask.checked = get("predict");
    predict.element.hidden = !get("predict");
    predict.update({ key: k + data, where: `output ${k}`, terms, bias: bias[k], total: outputs[k], weight, score: get("score"), known: !isHidden });
    speak(`${where}: ${after.textContent}`);
  }
  const speak = speaker(live, bar);

  const root = h("div", { class: "cnn-widget neurons", role: "group", "aria-label": "Neurons" },
    stage.element, sums.element, after, bar.element, predict.element, error, controls, live);
  spacePlays(root, bar);
  return mount(el, root, model, draw, () => {
    stage.stop();
    bar.pause();
  });
}

export default { render };
