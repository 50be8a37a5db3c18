// First values for weights, as cnnlib.initialization draws them.
import { map, zeros } from "./array.js";

/** What torch gives Linear and convolutions: uniform within 1 / sqrt(fan_in). `random` gives numbers from 0 to 1. */
export function torch_default(shape, fan_in, random = Math.random, dtype = Float32Array) {
  const bound = 1 / Math.sqrt(fan_in);
  return map(() => (2 * random() - 1) * bound, zeros(shape, { data: new dtype() }));
}
