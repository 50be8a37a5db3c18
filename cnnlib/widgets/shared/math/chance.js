// Numbers by chance that are the same for the same seed in every browser, and in Python: see python.js.

/** 32 bits, each of which depends on all bits of x; by Chris Wellons, "lowbias32". */
function mixed(x) {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A function that gives one number after the other, from 0 to below 1; others for other keys, whole numbers. */
export function stream(...keys) {
  let next = keys.reduce((start, key) => mixed(start + key + 1), 0);
  return () => mixed(next++) / 2 ** 32;
}

/** The first `count` numbers of a stream. */
export const chances = (count, ...keys) => Float64Array.from({ length: count }, stream(...keys));

/** The whole numbers from 0 to count - 1 in an order by chance. */
export function shuffle(count, ...keys) {
  const numbers = chances(count, ...keys);
  return Array.from(numbers.keys()).sort((one, other) => numbers[one] - numbers[other]);
}

/** What each stream is for: its key after the seed. */
export const FOR = { weights: 0, order: 1, labels: 2, shifts: 3, dropout: 4, places: 5, pixels: 6 };
