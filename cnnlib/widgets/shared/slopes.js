// How fast the values of a network move with one of its numbers, with no page in it.
import { sum } from "./ops.js";
import { winner } from "./network.js";

/**
 * The chain rule of each operation: how fast its value moves, when `move(name)` is how fast the values
 * that it reads do. At a kink the slope is that of PyTorch: 0 for ReLU at 0, the first of equal maxima.
 */
const CHAIN = {
  sum: ({ inputs, bias }, read, move) =>
    sum(inputs.map(({ from, factor: by }) => move(from) * read(by) + read(from) * move(by))) + move(bias),
  relu: ({ inputs: [{ from }] }, read, move) => (read(from) > 0 ? move(from) : 0),
  max: (node, read, move) => move(node.inputs[winner(node, read)].from),
  copy: ({ inputs: [{ from }] }, _, move) => move(from),
  softmax({ layer, row, inputs }, read, move) {
    const shares = inputs.map((_, k) => read(`${layer}[${k},0]`));
    return shares[row] * (move(inputs[row].from) - sum(inputs.map(({ from }, k) => shares[k] * move(from))));
  },
  loss: ({ inputs, logits }, read, move) =>
    sum(inputs.map(({ from, factor: by }, k) => (read(from) - read(by)) * move(logits[k]))),
};

/** name -> the exact slope of that value when the number `chosen` moves, all others given as they are. */
export function networkSlopes({ nodes }, numbers, chosen) {
  const slopes = new Map();
  const [read, move] = [(name) => numbers.get(name), (name) => slopes.get(name)];
  for (const node of nodes.values()) {
    const rule = CHAIN[node.operation];
    slopes.set(node.name, rule ? rule(node, read, move) : Number(node.name === chosen));
  }
  return slopes;
}

/**
 * Which way each maximum and each ReLU that the loss hears of goes. Where two places differ in it, the
 * curve between them has a kink.
 */
export function branches({ nodes }, numbers) {
  const read = (name) => numbers.get(name), all = [...nodes.values()];
  const maxima = all.filter(({ operation }) => operation === "max");
  const pooled = new Set(maxima.flatMap(({ inputs }) => inputs.map(({ from }) => from)));
  const others = all.filter(({ operation, name }) => operation === "relu" && !pooled.has(name));
  const awake = [...maxima, ...others].map(({ name }) => Number(read(name) > 0));
  return [...maxima.map((node) => winner(node, read)), ...awake].join("");
}
