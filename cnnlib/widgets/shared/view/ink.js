// Ink on a pad, and the pad brought into the form of MNIST's images. No page in it: grays from 0 to 1.

export const SIDE = 28;
const BOX = 20, MIDDLE = 14;

/** A pad of FINE pixels to one of the image; `image`, if there is one, lies on it already. */
const FINE = 5;
export const PAD = SIDE * FINE;
export const pad = (image) => Float64Array.from({ length: PAD * PAD }, (_, i) =>
  image ? image[Math.floor(i / PAD / FINE) * SIDE + Math.floor((i % PAD) / FINE)] : 0);

/** Draws a line with round ends onto a pad; places and `width` are parts of its side. */
export function inkLine(pixels, [x0, y0], [x1, y1], width) {
  const [ax, ay, bx, by] = [x0, y0, x1, y1].map((place) => place * PAD);
  const radius = (width * PAD) / 2, length = (bx - ax) ** 2 + (by - ay) ** 2;
  const range = (a, b) => [Math.min(a, b) - radius - 1, Math.max(a, b) + radius + 1].map((at) =>
    Math.min(Math.max(Math.round(at), 0), PAD));
  const [[left, right], [top, bottom]] = [range(ax, bx), range(ay, by)];
  for (let i = top; i < bottom; i++)
    for (let j = left; j < right; j++) {
      const [x, y] = [j + 0.5 - ax, i + 0.5 - ay];
      const along = length ? Math.min(Math.max((x * (bx - ax) + y * (by - ay)) / length, 0), 1) : 0;
      const away = Math.hypot(x - along * (bx - ax), y - along * (by - ay));
      const ink = Math.min(Math.max(radius + 0.5 - away, 0), 1); // how much of the pixel the pen covers
      if (ink > pixels[i * PAD + j]) pixels[i * PAD + j] = ink;
    }
}

/** What each of `parts` equal parts of `size` numbers covers: [number, share] pairs. */
function shares(size, parts) {
  return Array.from({ length: parts }, (_, part) => {
    const [from, to] = [(part * size) / parts, ((part + 1) * size) / parts], covered = [];
    for (let i = Math.floor(from); i < Math.min(size, Math.ceil(to)); i++)
      covered.push([i, ((Math.min(to, i + 1) - Math.max(from, i)) * parts) / size]);
    return covered;
  });
}

/** A part of a plane, {top, left, rows, columns}, as `height` x `width` means of what each number covers. */
function scaled(pixels, columns, box, height, width) {
  const across = shares(box.columns, width), down = shares(box.rows, height);
  const small = new Float64Array(height * width);
  down.forEach((rows, i) => across.forEach((cells, j) => {
    for (const [row, high] of rows)
      for (const [column, wide] of cells)
        small[i * width + j] += high * wide * pixels[(box.top + row) * columns + box.left + column];
  }));
  return small;
}

/** The smallest box that holds all ink, or null. */
function inkBox(pixels, rows, columns) {
  let [top, bottom, left, right] = [rows, -1, columns, -1];
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      if (pixels[i * columns + j] > 0)
        [top, bottom, left, right] = [Math.min(top, i), i, Math.min(left, j), Math.max(right, j)];
  return bottom < 0 ? null : { top, left, rows: bottom - top + 1, columns: right - left + 1 };
}

/** A pad as an image, as it lies. */
export const shrunkPad = (pixels) =>
  scaled(pixels, PAD, { top: 0, left: 0, rows: PAD, columns: PAD }, SIDE, SIDE);

/** cnnlib.center_digit: the ink's box scaled to a side of 20, its center of mass put into the middle. */
export function centerDigit(pixels, rows, columns) {
  const image = new Float64Array(SIDE * SIDE), box = inkBox(pixels, rows, columns);
  if (!box) return image;
  const [height, width] = [box.rows, box.columns].map((side) =>
    Math.max(1, Math.floor((side * BOX) / Math.max(box.rows, box.columns) + 0.5)));
  const small = scaled(pixels, columns, box, height, width);
  let [mass, down, right] = [0, 0, 0];
  small.forEach((ink, i) => {
    mass += ink;
    down += ink * Math.floor(i / width);
    right += ink * (i % width);
  });
  const start = (moment, size) =>
    Math.min(Math.max(Math.floor(MIDDLE + 0.5 - moment / mass), 0), SIDE - size);
  const [top, left] = [start(down, height), start(right, width)];
  for (let i = 0; i < height; i++)
    image.set(small.subarray(i * width, (i + 1) * width), (top + i) * SIDE + left);
  return image;
}

/**
 * A pad as an image of side x side: the ink's box scaled until its longer side fills it, in the middle, and the
 * darkest pixel made 1. `middle` is the box's own, as parts of the pad's sides.
 */
export function fitDigit(pixels, rows, columns, side) {
  const image = new Float64Array(side * side), box = inkBox(pixels, rows, columns);
  if (!box) return { image, middle: [0.5, 0.5] };
  const [height, width] = [box.rows, box.columns].map((long) =>
    Math.max(1, Math.round((long * side) / Math.max(box.rows, box.columns))));
  const small = scaled(pixels, columns, box, height, width), most = Math.max(...small);
  const [top, left] = [height, width].map((long) => Math.floor((side - long) / 2));
  small.forEach((ink, i) => (image[(top + Math.floor(i / width)) * side + left + (i % width)] = ink / most));
  return { image, middle: [(box.top + box.rows / 2) / rows, (box.left + box.columns / 2) / columns] };
}
