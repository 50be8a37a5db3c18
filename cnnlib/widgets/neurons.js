// A dense layer: inputs, weights and neurons, and one neuron's sum, product by product.
import { choice, trait } from "./shared/view/controls.js";
import { copyWith, factor, format, h, light } from "./shared/view/dom.js";
import { dock, frame, group } from "./shared/view/frame.js";
import { grid, oneCell } from "./shared/view/grid.js";
import { lines } from "./shared/view/lines.js";
import { array } from "./shared/math/array.js";
import { linear } from "./shared/math/dense.js";
import { sum } from "./shared/math/lists.js";
import { player } from "./shared/view/player.js";
import { predictFirst } from "./shared/view/predict.js";
import { sumPanel } from "./shared/view/sum.js";

const ACTIVATIONS = { relu: (number) => Math.max(number, 0), none: (number) => number };
const asColumn = (numbers) => numbers.map((number) => [number]);

/** Lines from the inputs to the sums, those of neuron `k` on top. */
function connections(cells, { weight, k, j, later }) {
  const most = Math.max(...weight.flat().map(Math.abs)) || 1;
  const line = (neuron, input) => ({
    from: cells.x.cell(input, 0), to: cells.sums.cell(neuron, 0), width: 1 + (4 * Math.abs(weight[neuron][input])) / most,
    mark: neuron !== k ? "other" : input === j ? "lit" : later(neuron, input) ? "other" : weight[neuron][input] < 0 ? "negative" : "positive",
  });
  const every = weight.flatMap((row, neuron) => row.map((_, input) => line(neuron, input)));
  return every.sort((a, b) => (a.mark === "other" ? 0 : 1) - (b.mark === "other" ? 0 : 1));
}

/** Inputs, weights, biases, sums and outputs as grids; lines from the inputs to the neurons. */
function createStage({ get, set, complain }, choose) {
  const edit = (name, place, value) => set({ [name]: copyWith(get(name), place, value) });
  const make = (label, onedit) =>
    grid({ label, tone: "signed", onerror: complain, onedit, onselect: onedit ? undefined : (row) => choose(row) });
  const grids = {
    x: make("Inputs", (row, _, value) => edit("x", [row], value)),
    sums: make("Sums"),
    outputs: make("After ReLU"),
    weight: make("Weights", (row, column, value) => edit("weight", [row, column], value)),
    bias: make("Biases", (row, _, value) => edit("bias", [row], value)),
  };
  const plane = (name, title) => h("div", { class: "plane" }, h("span", { class: "plane-name" }, title), grids[name]);
  const output = plane("outputs", "ReLU");
  const web = h("div", { class: "web" }, plane("x", "inputs"), h("div", { class: "neurons-out" }, plane("sums", "sums"), output));
  const element = h("div", { class: "stage" }, web,
    h("div", { class: "neurons-table" }, plane("weight", "weights"), plane("bias", "bias")));
  const drawnLines = lines(web);

  return {
    element, stop: drawnLines.stop,
    update(now) {
      const { x, weight, biases, k, j, later, hidden } = now, row = oneCell(k, 0);
      grids.x.update(asColumn(x), { cell: (input) => ({ mark: input === j ? "lit" : input < j ? "read" : "" }) });
      grids.weight.update(weight, { frame: { ...row, columns: x.length },
        cell: (neuron, input) => ({ mark: neuron === k && input === j ? "lit" : "" }) });
      grids.bias.update(asColumn(biases), { frame: row });
      for (const name of ["sums", "outputs"])
        grids[name].update(asColumn(now[name]), { frame: row, cell: (neuron) => {
          const mark = `${neuron === k ? "current" : ""} ${later(neuron, x.length - 1) ? "later" : ""}`;
          return hidden(neuron) ? { text: "?", mark } : { mark };
        } });
      output.hidden = now.activation === "none";
      drawnLines.update(connections(grids, now));
    },
    light: (term) => light(element, term ? [grids.x.cell(term.b, 0), grids.weight.cell(term.neuron, term.b)] : [], "pointed"),
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

/** How far the sum has come, and what becomes of it. */
function progress({ terms, j, k, sums, outputs, activation, isHidden }) {
  const { pixel, weight } = terms[j], soFar = terms.slice(0, j + 1);
  const products = `Product ${j + 1} of ${terms.length}: ${format(pixel)}·${factor(weight)} = ${format(pixel * weight)}; together ${format(sum(soFar.map((t) => t.pixel * t.weight)))}`;
  const [before, after] = [sums, outputs].map((numbers) => (isHidden ? "?" : format(numbers[k])));
  const end = activation === "relu" ? `ReLU: max(${before}, 0) = ${after}` : "";
  return isHidden ? end : j < terms.length - 1 ? products : [products, end].filter(Boolean).join(". ");
}

/** All that is drawn: `k` is the neuron, `j` the input whose product is added. */
function stateOf(get, hidden) {
  const [x, weight, biases, activation] = ["x", "weight", "bias", "activation"].map(get);
  const count = weight.flat().length, position = Math.min(get("position"), count - 1);
  const k = Math.floor(position / x.length), j = position % x.length, bias = biases[k];
  const sums = [...linear(array(x), array(weight), array(biases)).data], outputs = sums.map(ACTIVATIONS[activation]);
  const terms = x.map((pixel, b) => ({ channel: 0, a: b, b, neuron: k, pixel, weight: weight[k][b] }));
  return {
    x, weight, biases, bias, activation, position, count, k, j, sums, outputs, terms, hidden, isHidden: hidden(k),
    later: (neuron, input) => neuron > k || (neuron === k && input > j), where: `neuron ${k}, input ${j}`,
    task: { key: k, where: `output ${k}`, terms, bias, total: outputs[k], weight },
  };
}

function build(own) {
  const { get, set } = own;
  const last = (k) => (k + 1) * get("x").length - 1; // the product that ends a neuron's sum
  function choose(k) {
    bar.pause();
    set({ position: last(k) });
  }
  const bar = player(own, "Product");
  const ask = predictFirst(own, { explain, start: (on) => (on ? { position: last(0) } : {}),
    next: () => choose((stateOf(get, ask.hidden).k + 1) % get("weight").length) });
  const stage = createStage(own, choose), sums = sumPanel(stage.light), after = h("p", { class: "after" });
  const written = { element: sums.element, update(now) {
    sums.update(now);
    sums.element.querySelectorAll("[data-term]").forEach((term, b) => term.classList.toggle("now", b === now.j));
    after.textContent = progress(now);
  } };
  const activation = choice("Activation", [["relu", "ReLU"], ["none", "none"]], trait(own, "activation"));
  return {
    bar, state: () => stateOf(get, ask.hidden), say: (now) => `${now.where}: ${progress(now)}`,
    parts: [stage, dock(written, after, bar, ask), own.error, group({ class: "controls" }, activation, ask.tick, own.reset)],
  };
}

export default frame({ mark: "neurons", label: "Neurons", data: ["x", "weight", "bias", "activation"], kept: ["position"],
  problem: ({ x, weight, bias }) => (weight[0].length === x.length && bias.length === weight.length ? "" : "A neuron has a weight for each input, and a bias."), build });
