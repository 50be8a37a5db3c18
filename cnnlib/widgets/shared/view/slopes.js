// How fast the values of a network move with one of its numbers, with no page in it.
import { sum } from "../math/lists.js";
import { OPERATIONS, winner } from "./network.js";

/**
 * name -> the exact slope of that value when the number `chosen` moves, all others given as they are. At a
 * kink it is PyTorch's: 0 for ReLU at 0, the first of equal maxima. Softmax and loss are taken in one, as p - y.
 */
export function networkSlopes({ nodes }, numbers, chosen) {
  const slopes = new Map();
  const [read, move] = [(name) => numbers.get(name), (name) => slopes.get(name)];
  const rise = (node) => (node.operation === "loss"
    ? node.inputs.map(({ from, factor }, k) => (read(from) - read(factor)) * move(node.logits[k]))
    : OPERATIONS[node.operation].gradient(node, read).map(({ name, slope }) => slope * move(name)));
  for (const node of nodes.values())
    slopes.set(node.name, node.operation ? sum(rise(node)) : Number(node.name === chosen));
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
