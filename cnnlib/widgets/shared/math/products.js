// Products of matrices, where a network spends its time.

/** A matrix that lies in a typed array: its first number is at `start`, the one below it `down` further on. */
export const matrix = (data, columns, start = 0) => ({ data, start, down: columns, across: 1 });

/** The same numbers, rows and columns exchanged: nothing is moved. */
export const transposed = ({ data, start, down, across }) => ({ data, start, down: across, across: down });

const HIGH = 4, WIDE = 2; // of a block of sums: as many as stay in registers

/**
 * out (rows, columns) += a (rows, inner) times b (inner, columns), block by block. What a block reads is copied
 * into stripes first: there it lies one behind the other, and is read again and again from the cache.
 */
export function addProduct(out, a, b, rows, inner, columns) {
  const stripes = [], right = new Float64Array(WIDE * inner), sums = new Float64Array(HIGH * WIDE), turned = transposed(b);
  for (let i = 0; i < rows; i += HIGH) stripes.push(fillStripe(new Float64Array(HIGH * inner), HIGH, a, i, rows, inner));
  for (let j = 0; j < columns; j += WIDE) {
    fillStripe(right, WIDE, turned, j, columns, inner);
    for (let i = 0; i < rows; i += HIGH) {
      multiply(stripes[i / HIGH], right, inner, sums);
      addBlock(out, sums, i, Math.min(i + HIGH, rows), j, Math.min(j + WIDE, columns));
    }
  }
}

/** `height` rows of a matrix from row `first` on, column behind column, as doubles; rows that are not there are 0. */
function fillStripe(stripe, height, { data, start, down, across }, first, rows, columns) {
  for (let i = 0; i < height; i++) {
    const there = first + i < rows;
    for (let k = 0, at = start + (first + i) * down; k < columns; k++, at += across)
      stripe[k * height + i] = there ? data[at] : 0;
  }
  return stripe;
}

/** The eight sums of products of a stripe of 4 rows and a stripe of 2 columns. */
function multiply(left, right, inner, sums) {
  let s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
  for (let p = 0, q = 0; q < WIDE * inner; p += HIGH, q += WIDE) {
    const x = right[q], y = right[q + 1], a = left[p], b = left[p + 1], c = left[p + 2], d = left[p + 3];
    s00 += a * x, s01 += a * y, s10 += b * x, s11 += b * y;
    s20 += c * x, s21 += c * y, s30 += d * x, s31 += d * y;
  }
  sums[0] = s00, sums[1] = s01, sums[2] = s10, sums[3] = s11;
  sums[4] = s20, sums[5] = s21, sums[6] = s30, sums[7] = s31;
}

function addBlock({ data, start, down, across }, sums, top, bottom, left, right) {
  for (let i = top; i < bottom; i++)
    for (let j = left; j < right; j++)
      data[start + i * down + j * across] += sums[(i - top) * WIDE + j - left];
}
