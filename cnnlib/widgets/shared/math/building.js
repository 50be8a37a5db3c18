// Networks made of a list of layers, as a reader builds them; a layer is {kind, ...}, as in architecture.js.
import { ReLU, Tanh } from "./activations.js";
import { call, LAYERS, product, summarize, written } from "./architecture.js";
import { FOR, stream } from "./chance.js";
import { Conv2d } from "./convolution.js";
import { Flatten, Linear } from "./dense.js";
import { sum } from "./lists.js";
import { Residual, Sequential } from "./network.js";
import { BatchNorm2d, Dropout } from "./normalization.js";
import { AvgPool2d, GlobalAvgPool2d, MaxPool2d } from "./pooling.js";

const LARGEST = 1024; // of any number in a link
const DEEPEST = 64; // layers, with those inside others
const HEAVIEST = 1e7, WIDEST = 1e5; // multiply-adds for an image, and numbers that a layer gives
const counted = (number) => number.toLocaleString("en-US");

/** The layers as they came, if all of each is known and possible; throws a sentence otherwise. A link may hold anything. */
export function completeLayers(layers, count = { left: DEEPEST }) {
  if (!Array.isArray(layers)) throw misfit(`layers is ${layers}; expected a list.`);
  layers.forEach((layer) => {
    if (typeof layer?.kind !== "string") throw misfit(`A layer is ${JSON.stringify(layer)}; expected one with a kind, such as {"kind":"ReLU"}.`);
    const { kind, ...given } = layer;
    count.left -= 1;
    if (count.left < 0) throw misfit(`There are more than ${DEEPEST} layers.`);
    if (kind === "Residual") return completeLayers(given.layers, count);
    const names = Object.hasOwn(LAYERS, kind) ? Object.keys(LAYERS[kind]) : null;
    if (!names) throw misfit(`${kind} is no layer; expected one of ${Object.keys(LAYERS).join(", ")} or Residual.`);
    if (kind === "Dropout" && !(given.p >= 0 && given.p <= 0.95)) throw misfit(`Dropout: p is ${given.p}; expected 0 to 0.95.`);
    for (const name of kind === "Dropout" ? [] : names) {
      const { least } = LAYERS[kind][name];
      if (!Number.isInteger(given[name]) || given[name] < least || given[name] > LARGEST)
        throw misfit(`${kind}: ${name} is ${given[name]}; expected a whole number from ${least} to ${LARGEST}.`);
    }
    for (const name of Object.keys(given))
      if (name !== "p" && !names.includes(name)) throw misfit(`${kind}: ${name} is unknown.`);
  });
  return layers;
}

/** An Error for the reader; `layer` is the place of the layer that it is about. */
const misfit = (message, layer) => Object.assign(new Error(message), { layer });

/**
 * What can be known of a network before it is built: the rows of `summarize` (`output` and `input` shapes,
 * `parameters`, `multiplyAdds`, ...), each with its `name` as it is written in code.
 * Throws an Error whose message is a sentence for the reader and whose `layer` is the place of the layer.
 * @param {{kind: string}[]} layers
 * @param {number[]} inputShape [channels, rows, columns]
 * @param {number} classes
 */
export function describe(layers, inputShape, classes) {
  if (!layers.length) throw misfit("There is no layer yet.", 0);
  const rows = summarize(layers, inputShape), broken = rows.findIndex(({ error }) => error);
  if (broken >= 0) throw misfit(rows[broken].error, broken);
  const { output } = rows.at(-1), last = layers.length - 1;
  if (output.length > 1)
    throw misfit(`The last layer gives maps, ${written(output)}; expected ${classes} numbers, one for each class.`
      + ` Put Flatten and Linear(${classes}) at the end.`, last);
  if (output[0] !== classes)
    throw misfit(`The last layer gives ${written(output)} numbers; expected ${classes}, one for each class.`, last);
  if (!rows.some(({ parameters }) => parameters)) throw misfit("No layer has a parameter that could learn.", last);
  const adds = sum(rows.map(({ multiplyAdds }) => multiplyAdds)), widest = Math.max(...rows.map((row) => product(row.output)));
  if (adds > HEAVIEST) throw misfit(`A page is too slow for ${counted(adds)} multiply-adds for an image; expected at most ${counted(HEAVIEST)}.`);
  if (widest > WIDEST) throw misfit(`A page has no room for ${counted(widest)} numbers in one layer; expected at most ${counted(WIDEST)}.`);
  return rows.map((row) => ({ ...row, name: call(row.layer, row.input) }));
}

/** What of layers cannot change while their network learns: all but the Dropouts between them, and their shares. */
export const fixedPart = (layers) => JSON.stringify(layers.filter(({ kind }) => kind !== "Dropout"), (key, value) => (key === "p" ? undefined : value));

const MAKE = {
  Conv2d: ({ out_channels, kernel_size, ...options }, [channels], random) =>
    new Conv2d(channels, out_channels, kernel_size, { ...options, random }),
  Linear: ({ out_features }, [features], random) => new Linear(features, out_features, { random }),
  BatchNorm2d: (_, [channels]) => new BatchNorm2d(channels),
  Dropout: ({ p }) => new Dropout(p),
  MaxPool2d: ({ kernel_size, ...options }) => new MaxPool2d(kernel_size, options),
  AvgPool2d: ({ kernel_size, ...options }) => new AvgPool2d(kernel_size, options),
  GlobalAvgPool2d: () => new GlobalAvgPool2d(),
  ReLU: () => new ReLU(),
  Tanh: () => new Tanh(),
  Flatten: () => new Flatten(),
};
/** The layers whose first weights are drawn. */
const isDrawn = ({ kind }) => ["Conv2d", "Linear"].includes(kind);

/**
 * The network of layers that `describe` accepts. The first weights are torch's usual ones; those of the layer
 * number i of those that have any, inside a Residual too, are drawn from the stream [seed, FOR.weights, i]:
 * its weight, then its bias.
 */
export function buildNetwork(layers, inputShape, seed) {
  let drawn = 0;
  const made = (list, shape) => new Sequential(...summarize(list, shape).map(({ layer: { kind, ...numbers }, input }) =>
    kind === "Residual" ? new Residual(made(numbers.layers, input))
      : MAKE[kind](numbers, input, isDrawn({ kind }) ? stream(seed, FOR.weights, drawn++) : undefined)));
  return made(layers, inputShape);
}

/** The same network with its Dropouts where `layers`, of the same fixed part, have them. */
export function withDropouts(network, layers) {
  const others = [...network].filter((layer) => !(layer instanceof Dropout));
  return new Sequential(...layers.map(({ kind, p }) => (kind === "Dropout" ? new Dropout(p) : others.shift())));
}
