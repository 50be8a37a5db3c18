// Where a network looks for its answer: a heat map, computed in slices so that the page does not freeze.
import { h } from "./dom.js";
import { SIDE } from "./ink.js";
import { short } from "./layers.js";
import { largestOf, paintLarge } from "./maps.js";
import { inference, lead, occlusion } from "../math/inference.js";
import { best, table } from "../math/lists.js";

const PATCH = { step: 2, margin: 2 }; // places of 2x2 pixels, covered by patches of 6x6
const SLICE = 16; // milliseconds that the page is kept busy at a time
const ZOOM = 10;

/** heatMap(layers, classes): start(image) computes and draws, stop() ends it. */
export function heatMap(layers, classes) {
  const canvas = h("canvas", { role: "img", width: ZOOM * SIDE, height: ZOOM * SIDE });
  const text = h("p", { role: "status" });
  const note = "A patch of 6×6 zeros covers one place after the other. Orange: covered here, the lead of the"
    + " answer over the next one shrinks. Blue: it grows.";
  const element = h("div", { class: "looking", hidden: true }, canvas,
    h("div", {}, text, h("p", { class: "note" }, note)));
  const under = h("canvas");
  let network = null, timer = 0;

  function paint(image, map) {
    const context = canvas.getContext("2d"), top = largestOf(map.flat()), side = PATCH.step * ZOOM;
    paintLarge(under, image, 0, [SIDE, SIDE], 1, true);
    context.imageSmoothingEnabled = false;
    context.drawImage(under, 0, 0, canvas.width, canvas.height);
    map.forEach((row, i) => row.forEach((worth, j) => {
      const hue = worth < 0 ? "80 150 255" : "255 130 20", strength = Math.abs(worth) / top;
      context.fillStyle = `rgb(${hue} / ${0.85 * strength})`;
      context.fillRect(j * side, i * side, side, side);
    }));
  }
  function say(map, k, whole) {
    const most = Math.max(...map.flat());
    const i = map.findIndex((row) => row.includes(most)), j = map[i].indexOf(most);
    const start = `Answer ${classes[k]}, ahead of the next by ${short(whole)}.`;
    const place = `row ${i * PATCH.step}, column ${j * PATCH.step}`;
    text.textContent = most <= 0 ? `${start} It leans on no place.`
      : `${start} It leans most on ${place}: covered there, the lead is ${short(whole - most)}.`;
    canvas.setAttribute("aria-label", text.textContent);
  }
  function start(image) {
    clearTimeout(timer);
    network ??= inference(layers, [1, SIDE, SIDE]);
    const places = SIDE / PATCH.step, map = table(places, places, () => 0);
    const logits = network.run(image), k = best(logits), whole = lead(logits, k);
    const steps = occlusion(network, image, SIDE, PATCH, map);
    text.textContent = "Looking …";
    canvas.setAttribute("aria-label", text.textContent);
    (function go() {
      const until = performance.now() + SLICE;
      let done = false;
      while (!done && performance.now() < until) done = steps.next().done;
      paint(image, map);
      if (done) say(map, k, whole);
      else timer = setTimeout(go);
    })();
  }
  return { element, start, stop: () => clearTimeout(timer) };
}
