// Batch normalization of one channel, with no page in it: as cnnlib.BatchNorm2d, with its eps and momentum.
import { sum } from "./ops.js";

export const EPS = 1e-5;
export const MOMENTUM = 0.1;

/** Mean and variance of a batch, and the variance divided by one less than there are numbers. */
export function moments(batch) {
  const mean = sum(batch) / batch.length;
  const squares = sum(batch.map((number) => (number - mean) ** 2));
  return { mean, variance: squares / batch.length, unbiased: squares / (batch.length - 1) };
}

/** The batch with a mean taken off, divided by a deviation; then scaled by gamma and shifted by beta. */
export function batchNorm(batch, { mean, variance }, gamma, beta) {
  const normalized = batch.map((number) => (number - mean) / Math.sqrt(variance + EPS));
  return { normalized, output: normalized.map((number) => number * gamma + beta) };
}

/** The running mean and variance after one more batch in training. */
export function moveRunning({ mean, variance }, batch) {
  const own = moments(batch);
  const move = (from, to) => from + MOMENTUM * (to - from);
  return { mean: move(mean, own.mean), variance: move(variance, own.unbiased) };
}
