// Products of matrices, where a network spends its time: of doubles, whatever the arrays hold, because the loops
// read these fastest and must not meet two kinds of numbers.

export const doubles = (data) => (data instanceof Float64Array ? data : new Float64Array(data));

/** A matrix that lies in a typed array: its first number is at `start`, the one below `down` further on. */
export const matrix = (data, columns, start = 0) => ({ data, start, down: columns, across: 1 });

/** The same numbers, rows and columns exchanged: nothing is moved. */
export const transposed = ({ data, start, down, across }) => ({ data, start, down: across, across: down });

/** out (rows, columns) += a (rows, inner) times b (inner, columns). */
export function addProduct(out, a, b, rows, inner, columns) {
  const i = rows - (rows % 4), j = columns - (columns % 2);
  addBlocks(out, a, b, i, inner, j);
  addSums(out, a, b, [0, i], inner, [j, columns]);
  addSums(out, a, b, [i, rows], inner, [0, columns]);
}

/** Eight sums at a time, 4 rows by 2 columns: they stay in registers, and each number read is used 2 or 4 times. */
function addBlocks(out, a, b, rows, inner, columns) {
  const { data: A, down, across } = a, { data: B, down: next, across: right } = b;
  for (let i = 0; i < rows; i += 4)
    for (let j = 0; j < columns; j += 2) {
      let s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
      let p0 = a.start + i * down, q = b.start + j * right;
      for (let k = 0; k < inner; k++, p0 += across, q += next) {
        const p1 = p0 + down, p2 = p1 + down, x = B[q], y = B[q + right];
        s00 += A[p0] * x, s01 += A[p0] * y, s10 += A[p1] * x, s11 += A[p1] * y;
        s20 += A[p2] * x, s21 += A[p2] * y, s30 += A[p2 + down] * x, s31 += A[p2 + down] * y;
      }
      addAt(out, i, j, s00, s01), addAt(out, i + 1, j, s10, s11);
      addAt(out, i + 2, j, s20, s21), addAt(out, i + 3, j, s30, s31);
    }
}

function addAt({ data, start, down, across }, i, j, left, right) {
  const at = start + i * down + j * across;
  data[at] += left, data[at + across] += right;
}

/** One sum after the other: what is left at the rim of the blocks. */
function addSums(out, a, b, [top, bottom], inner, [left, right]) {
  for (let i = top; i < bottom; i++)
    for (let j = left; j < right; j++) {
      let total = 0;
      for (let k = 0; k < inner; k++)
        total += a.data[a.start + i * a.down + k * a.across] * b.data[b.start + k * b.down + j * b.across];
      out.data[out.start + i * out.down + j * out.across] += total;
    }
}
