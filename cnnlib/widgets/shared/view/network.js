// The worked network as a graph of named values, with no page in it: every value has the list of its
// inputs and of the factors they are multiplied by, so that each number can be traced either way, and
// its gradient walks the same list backward.
import { array } from "../math/array.js";
import { log_softmax } from "../math/loss.js";
import { sum, table } from "../math/lists.js";

/** What training changes, by the names of the model's traits. */
export const PARAMETERS = ["kernel", "bias", "weight_1", "bias_1", "weight_2", "bias_2"];

const nameOf = (layer, row = 0, column = 0) => `${layer}[${row},${column}]`;
const asColumn = (numbers) => numbers.map((number) => [number]);
const logSoftmax = (logits) => [...log_softmax(array(logits)).data];
const largest = (numbers) => Math.max(...numbers);

/**
 * What each operation makes of a value's inputs, and how fast that rises with each number it reads:
 * `gradient` lists {name, slope, by}, where `by` names the number that the slope is, if it is one.
 * `read(name)` is the number of another value.
 */
export const OPERATIONS = {
  sum: {
    value: ({ inputs, bias }, read) => sum(inputs.map(({ from, factor }) => read(from) * read(factor))) + read(bias),
    gradient: ({ inputs, bias }, read) => [
      ...inputs.map(({ from, factor }) => ({ name: from, slope: read(factor), by: factor })),
      ...inputs.map(({ from, factor }) => ({ name: factor, slope: read(from), by: from })),
      { name: bias, slope: 1, by: null },
    ],
  },
  relu: {
    value: ({ inputs: [input] }, read) => Math.max(read(input.from), 0),
    gradient: ({ inputs: [{ from }] }, read) => [{ name: from, slope: read(from) > 0 ? 1 : 0, by: null }],
  },
  max: {
    value: ({ inputs }, read) => largest(inputs.map(({ from }) => read(from))),
    gradient(node, read) {
      const first = winner(node, read);
      return node.inputs.map(({ from }, k) => ({ name: from, slope: k === first ? 1 : 0, by: null }));
    },
  },
  copy: {
    value: ({ inputs: [input] }, read) => read(input.from),
    gradient: ({ inputs: [{ from }] }) => [{ name: from, slope: 1, by: null }],
  },
  softmax: {
    value: ({ inputs, row }, read) => Math.exp(logSoftmax(inputs.map(({ from }) => read(from)))[row]),
    gradient({ inputs, row }, read) {
      const shares = logSoftmax(inputs.map(({ from }) => read(from))).map(Math.exp);
      return inputs.map(({ from }, k) =>
        ({ name: from, slope: shares[row] * ((k === row ? 1 : 0) - shares[k]), by: null }));
    },
  },
  // Not from the probabilities, of which one may be too small to hold, but from the logits.
  loss: {
    value({ inputs, logits }, read) {
      const logs = logSoftmax(logits.map(read));
      return sum(inputs.map(({ factor }, k) => -read(factor) * logs[k]));
    },
    gradient({ inputs, logits }, read) {
      const logs = logSoftmax(logits.map(read));
      return inputs.flatMap(({ from, factor }, k) => [
        { name: from, slope: read(factor) === 0 ? 0 : -read(factor) / read(from), by: null },
        { name: factor, slope: -logs[k], by: null },
      ]);
    },
  },
};

/** The place in `inputs` of the one that a maximum is taken from: the first of the largest. */
export function winner({ inputs }, read) {
  const numbers = inputs.map(({ from }) => read(from));
  return numbers.indexOf(largest(numbers));
}

/** What the model's traits give, each as a table of rows: vectors are columns, the target is one-hot. */
export const networkTables = ({ image, kernel, bias, weight_1, bias_1, weight_2, bias_2, target }) => ({
  image, kernel, weight_1, weight_2,
  bias: asColumn(bias), bias_1: asColumn(bias_1), bias_2: asColumn(bias_2),
  target: asColumn(bias_2.map((_, k) => (k === target ? 1 : 0))),
});

/**
 * The graph for the tables of `networkTables` and a pooling window of `pool` x `pool`:
 *   layers  name -> {rows, columns}
 *   nodes   name -> {name, layer, row, column, operation, inputs, bias}, each after all its inputs;
 *           a given value has no operation, an input is {from, factor}, names both, and factor is
 *           null where nothing is multiplied
 */
export function networkGraph(tables, pool = 2) {
  const layers = new Map(), nodes = new Map();
  function layer(name, rows, columns, make = () => ({ operation: null, inputs: [] })) {
    layers.set(name, { rows, columns });
    table(rows, columns, (i, j) => {
      const node = { name: nameOf(name, i, j), layer: name, row: i, column: j, bias: null, ...make(i, j) };
      nodes.set(node.name, node);
    });
  }
  const all = (name, use) => {
    const { rows, columns } = layers.get(name);
    return table(rows, columns, use).flat();
  };
  const from = (name, i, j) => ({ from: nameOf(name, i, j), factor: null });
  const same = (name) => (i, j) => [from(name, i, j)];
  function dense(name, input, weight, bias) {
    layer(name, layers.get(weight).rows, 1, (k) => ({
      operation: "sum", bias: nameOf(bias, k),
      inputs: all(input, (i) => ({ from: nameOf(input, i), factor: nameOf(weight, k, i) })),
    }));
  }

  for (const [name, rows] of Object.entries(tables)) layer(name, rows.length, rows[0].length);
  const image = layers.get("image"), kernel = layers.get("kernel");
  layer("map", image.rows - kernel.rows + 1, image.columns - kernel.columns + 1, (i, j) => ({
    operation: "sum", bias: nameOf("bias"),
    inputs: all("kernel", (a, b) => ({ from: nameOf("image", i + a, j + b), factor: nameOf("kernel", a, b) })),
  }));
  const map = layers.get("map");
  layer("relu", map.rows, map.columns, (i, j) => ({ operation: "relu", inputs: same("map")(i, j) }));
  layer("pool", Math.floor(map.rows / pool), Math.floor(map.columns / pool), (i, j) => ({
    operation: "max", inputs: table(pool, pool, (a, b) => from("relu", i * pool + a, j * pool + b)).flat(),
  }));
  const pooled = all("pool", same("pool"));
  layer("flat", pooled.length, 1, (i) => ({ operation: "copy", inputs: pooled[i] }));
  dense("sums", "flat", "weight_1", "bias_1");
  layer("hidden", layers.get("sums").rows, 1, (k) => ({ operation: "relu", inputs: same("sums")(k) }));
  dense("logits", "hidden", "weight_2", "bias_2");
  layer("probability", layers.get("logits").rows, 1, () => ({ operation: "softmax", inputs: all("logits", (k) => from("logits", k)) }));
  layer("loss", 1, 1, () => ({
    operation: "loss", logits: all("logits", (k) => nameOf("logits", k)),
    inputs: all("probability", (k) => ({ from: nameOf("probability", k), factor: nameOf("target", k) })),
  }));
  return { layers, nodes };
}

/** The number of every value: name -> number. */
export function networkValues({ nodes }, tables) {
  const numbers = new Map();
  const read = (name) => numbers.get(name);
  for (const node of nodes.values())
    numbers.set(node.name, node.operation ? OPERATIONS[node.operation].value(node, read) : tables[node.layer][node.row][node.column]);
  return numbers;
}

/**
 * The gradient of the loss for every value: name -> {gradient, terms}. It is the sum over `terms`, one
 * for each value that reads it: {user, slope, by, gradient}, how fast the user rises with it, times the
 * gradient of the user. Softmax and loss are undone in one, as p - y, whatever is too small to hold.
 */
export function networkGradients({ nodes }, numbers) {
  const read = (name) => numbers.get(name);
  const found = new Map([...nodes.keys()].map((name) => [name, { gradient: 0, terms: [] }]));
  for (const node of [...nodes.values()].reverse()) {
    const own = found.get(node.name);
    own.gradient = node.operation === "loss" ? 1
      : node.layer === "logits" ? read(nameOf("probability", node.row)) - read(nameOf("target", node.row))
      : sum(own.terms.map(({ slope, gradient }) => slope * gradient));
    if (!node.operation) continue;
    for (const { name, slope, by } of OPERATIONS[node.operation].gradient(node, read))
      found.get(name).terms.push({ user: node.name, slope, by, gradient: own.gradient });
  }
  for (const { terms } of found.values()) terms.reverse(); // in the order of the forward pass
  return found;
}

/** One step of gradient descent: the parameters among the model's traits, each less lr times its gradient. */
function networkStep(traits, gradients, lr) {
  const moved = (value, name, ...place) => Array.isArray(value)
    ? value.map((part, i) => moved(part, name, ...place, i))
    : value - lr * gradients.get(nameOf(name, ...place)).gradient;
  return Object.fromEntries(PARAMETERS.map((name) => [name, moved(traits[name], name)]));
}

/**
 * `count` steps from the model's traits on: the `traits` then, and the `losses` before each step. It stops
 * before a step after which a number would be too large to hold, and `whole` is false.
 */
export function networkDescent(graph, traits, lr, count) {
  const losses = [];
  let numbers = networkValues(graph, networkTables(traits));
  for (let step = 0; step < count; step++) {
    const next = { ...traits, ...networkStep(traits, networkGradients(graph, numbers), lr) };
    const after = networkValues(graph, networkTables(next));
    if (![...after.values()].every(Number.isFinite)) return { traits, losses, whole: false };
    losses.push(numbers.get("loss[0,0]"));
    [traits, numbers] = [next, after];
  }
  return { traits, losses, whole: true };
}

/** The values that read each value, as input, as factor or as bias: name -> nodes. */
export function networkUsers({ nodes }) {
  const users = new Map([...nodes.keys()].map((name) => [name, []]));
  for (const node of nodes.values())
    for (const name of [...node.inputs.flatMap(({ from, factor }) => [from, factor]), node.bias]) users.get(name)?.push(node);
  return users;
}

/** The numbers of one layer as rows. */
export const layerTable = ({ layers }, numbers, name) =>
  table(layers.get(name).rows, layers.get(name).columns, (i, j) => numbers.get(nameOf(name, i, j)));
