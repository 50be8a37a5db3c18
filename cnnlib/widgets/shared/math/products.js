// Products of matrices, where a network spends its time.

/** A matrix that lies in a typed array: its first number is at `start`, the one below it `down` further on. */
export const matrix = (data, columns, start = 0) => ({ data, start, down: columns, across: 1 });

/** The same numbers, rows and columns exchanged: nothing is moved. */
export const transposed = ({ data, start, down, across }) => ({ data, start, down: across, across: down });

const HIGH = 4, WIDE = 2; // of a block of sums: as many as stay in registers

/** Memory that is used again: an array for each purpose, as large as was ever needed. */
const kept = { left: new Float64Array(0), right: new Float64Array(0) };
function room(purpose, length) {
  if (kept[purpose].length < length) kept[purpose] = new Float64Array(length);
  return kept[purpose];
}

/** out (rows, columns) += a (rows, inner) times b (inner, columns). */
export function addProduct(out, a, b, rows, inner, columns) {
  addProductOf(out, striped(a, rows, inner), b, rows, inner, columns);
}

/**
 * A matrix (rows, inner) as `addProductOf` reads it, again and again: stripes of 4 rows, column behind column, as
 * doubles; rows that are not there are 0. It holds until the next one is made.
 */
export function striped({ data, start, down, across }, rows, inner) {
  const stripes = room("left", Math.ceil(rows / HIGH) * HIGH * inner);
  for (let i = 0; i < rows || i % HIGH; i++) {
    const first = (i - (i % HIGH)) * inner + (i % HIGH), there = i < rows;
    for (let k = 0, at = start + i * down; k < inner; k++, at += across) stripes[first + k * HIGH] = there ? data[at] : 0;
  }
  return stripes;
}

/** `addProduct` of what `striped` has made of a: block by block, each of 4 rows and 2 columns. */
export function addProductOf(out, stripes, b, rows, inner, columns) {
  const right = room("right", WIDE * inner), { data, start, down, across } = out;
  for (let j = 0; j < columns; j += WIDE) {
    const wide = Math.min(WIDE, columns - j);
    fillPair(right, b, j, inner, wide);
    for (let i = 0; i < rows; i += HIGH)
      multiply(stripes, i * inner, right, inner, data, start + i * down + j * across, down, across, rows - i, wide);
  }
}

/** Two columns of a matrix, side by side, as doubles; the second is 0 where `wide` is 1. */
function fillPair(right, { data, start, down, across }, j, inner, wide) {
  for (let k = 0, at = start + j * across; k < inner; k++, at += down) {
    right[WIDE * k] = data[at];
    right[WIDE * k + 1] = wide === WIDE ? data[at + across] : 0;
  }
}

/** Adds the eight sums of products of a stripe and a pair, those that are inside, to `data`. */
function multiply(left, first, right, inner, data, at, down, across, high, wide) {
  let s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
  for (let p = first, q = 0; q < WIDE * inner; p += HIGH, q += WIDE) {
    const x = right[q], y = right[q + 1], a = left[p], b = left[p + 1], c = left[p + 2], d = left[p + 3];
    s00 += a * x, s01 += a * y, s10 += b * x, s11 += b * y;
    s20 += c * x, s21 += c * y, s30 += d * x, s31 += d * y;
  }
  data[at] += s00;
  if (high > 1) data[at + down] += s10;
  if (high > 2) data[at + 2 * down] += s20;
  if (high > 3) data[at + 3 * down] += s30;
  if (wide < WIDE) return;
  at += across;
  data[at] += s01;
  if (high > 1) data[at + down] += s11;
  if (high > 2) data[at + 2 * down] += s21;
  if (high > 3) data[at + 3 * down] += s31;
}
