// Nested lists, as the widgets hold them.

export const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
/** The place of the largest number. */
export const best = (numbers) => numbers.indexOf(Math.max(...numbers));
export const table = (rows, columns, fill) =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => fill(i, j)));
