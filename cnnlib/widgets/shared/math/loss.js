// Softmax and cross-entropy as cnnlib.loss has them, along the last axis: logits are (N, K), one score for each of K
// classes, or (K) for one image.
import { arrayLike, zeros } from "./array.js";
import { require, requireShape } from "./checks.js";

/** What change(row, ...rows of the others) makes of each row, itself a row. */
function eachRow(change, x, ...others) {
  const output = zeros(x.shape, x), length = x.shape.at(-1);
  for (let at = 0; at < x.data.length; at += length)
    output.data.set(change(...[x, ...others].map(({ data }) => data.subarray(at, at + length))), at);
  return output;
}

const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0);
/** exp of each number; the largest is taken off first, so that none overflows. */
function powers(row) {
  const top = Math.max(...row);
  return Float64Array.from(row, (logit) => Math.exp(logit - top));
}

/** exp(x) divided by the sum along the row: positive numbers that sum to 1. */
export const softmax = (x) => eachRow((row) => {
  const own = powers(row), all = total(own);
  return own.map((power) => power / all);
}, x);

/** The gradient for x: p · (g - sum(g · p)). */
export function softmax_backward(grad_output, x) {
  requireShape("softmax_backward", "grad_output", grad_output, x.shape);
  return eachRow((p, grad) => {
    const mean = total(p.map((share, k) => share * grad[k]));
    return p.map((share, k) => share * (grad[k] - mean));
  }, softmax(x), grad_output);
}

/** The logarithm of `softmax`, exact even where the probability itself is too small to hold. */
export const log_softmax = (x) => eachRow((row) => {
  const top = Math.max(...row), rest = Math.log(total(powers(row)));
  return row.map((logit) => logit - top - rest);
}, x);

/** The gradient for x: g - p · sum(g). */
export function log_softmax_backward(grad_output, x) {
  requireShape("log_softmax_backward", "grad_output", grad_output, x.shape);
  return eachRow((p, grad) => p.map((share, k) => grad[k] - share * total(grad)), softmax(x), grad_output);
}

/** `target` as a list of one class for each row of the logits. */
function classesOf(owner, logits, target) {
  const classes = [target].flat(), [rows, known] = [logits.data.length / logits.shape.at(-1), logits.shape.at(-1)];
  require(classes.length === rows, `${owner}: target has ${classes.length} classes; expected ${rows}`);
  for (const one of classes)
    require(Number.isInteger(one) && one >= 0 && one < known, `${owner}: target has class ${one}; expected 0 to ${known - 1}`);
  return classes;
}

/** Minus the logarithm of the right class's probability, as a mean over the images. target: N classes, or one. */
export function cross_entropy(logits, target) {
  const classes = classesOf("cross_entropy", logits, target), { shape, data } = log_softmax(logits);
  return classes.reduce((sum, one, n) => sum - data[n * shape.at(-1) + one], 0) / classes.length;
}

/** The gradient for the logits: (softmax(logits) - 1 at the right class) / N, times grad_output, a number. */
export function cross_entropy_backward(grad_output, logits, target) {
  const classes = classesOf("cross_entropy_backward", logits, target), { shape, data } = softmax(logits);
  classes.forEach((one, n) => (data[n * shape.at(-1) + one] -= 1));
  return arrayLike(logits, shape, data.map((slope) => (slope * grad_output) / classes.length));
}
