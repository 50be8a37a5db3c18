// The digits that a reader trains on: unpacked, placed on a canvas, with the reader's own among them.
import { zeros } from "./array.js";
import { chances, FOR } from "./chance.js";

export const SIDE = 8;
export const CLASSES = 10;
const WHITE = 16;
const FIRST = "a".charCodeAt(0);

/** Numbers from 0 to 16 as letters, a to q, and back. */
export const toLetters = (numbers) => String.fromCharCode(...numbers.map((number) => FIRST + number));
export const fromLetters = (letters) => Array.from(letters, (letter) => letter.charCodeAt(0) - FIRST);

/** Places images of 8x8, one behind the other in `pixels`, on canvases of `canvas` pixels a side. */
function place(pixels, canvas, key) {
  const count = pixels.length / SIDE ** 2, room = canvas - SIDE + 1, places = chances(2 * count, FOR.places, key);
  const images = zeros([count, 1, canvas, canvas], { data: new Float32Array() });
  for (let n = 0; n < count; n++) {
    const [top, left] = [places[2 * n], places[2 * n + 1]].map((number) => Math.floor(number * room));
    for (let i = 0; i < SIDE; i++)
      for (let j = 0; j < SIDE; j++)
        images.data[(n * canvas + top + i) * canvas + left + j] = pixels[(n * SIDE + i) * SIDE + j] / WHITE;
  }
  return images;
}

/**
 * The images to train on and the held-out ones, each {images, labels}: an array (N, 1, canvas, canvas) of numbers
 * from 0 to 1, and a list. `own` of the images to train on, the last ones, are the reader's.
 * @param {{pixels: string, labels: string, train: number}} digits as packed.py packs them
 * @param {{canvas?: number, drawings?: {pixels: number[], label: number}[]}} options `canvas` 8 leaves the digits
 *   as they are; on a larger one each has a place by chance, always the same. A drawing has 64 numbers from 0 to 16.
 */
export function digitData({ pixels, labels, train }, { canvas = SIDE, drawings = [] } = {}) {
  const numbers = fromLetters(pixels), classes = Array.from(labels, Number), cut = train * SIDE ** 2;
  const own = drawings.flatMap((drawing) => drawing.pixels);
  return {
    train: {
      images: place([...numbers.slice(0, cut), ...own], canvas, 0),
      labels: [...classes.slice(0, train), ...drawings.map(({ label }) => label)],
    },
    validation: { images: place(numbers.slice(cut), canvas, 1), labels: classes.slice(train) },
    own: drawings.length,
  };
}
