// A pad to draw on with a mouse, a finger, a pen or the keys; places are parts of its side, from 0 to 1.
import { h } from "./dom.js";
import { SIDE } from "./ink.js";

const PEN_KEYS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const BACKING = 560; // pixels of the canvas: sharp on a phone's screen too

/** The keys' pen: `at`, whether it is `down`, and whether it is `seen`. changed() when it is to be painted anew. */
function keyPen(element, { onmove, onlift, onpen }, changed) {
  const pen = { at: [0.5, 0.3], down: false, seen: false, lift };
  function lift(time) {
    pen.seen = false;
    if (!pen.down) return;
    pen.down = false;
    onpen(false);
    onlift(time);
  }
  function put() {
    pen.down = true;
    onpen(true);
    onmove(pen.at, true);
  }
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = PEN_KEYS[event.key];
    if (!by && event.key !== " ") return;
    event.preventDefault();
    if (by) {
      const far = event.shiftKey ? 4 / SIDE : 1 / SIDE;
      pen.at = pen.at.map((at, i) => Math.min(Math.max(at + by[i] * far, 0), 1));
      if (pen.down) onmove(pen.at, false);
    } else if (pen.down) lift(event.timeStamp);
    else put();
    pen.seen = true;
    changed();
  });
  element.addEventListener("blur", (event) => {
    lift(event.timeStamp);
    changed();
  });
  return pen;
}

/** A mouse, a finger or a pen, one at a time; onpress(time) before its first point. */
function pointerPen(element, { onmove, onlift }, onpress) {
  let pointer = null;
  const place = (event) => {
    const box = element.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || pointer !== null) return;
    event.preventDefault(); // no text is selected, and the page keeps its place
    element.focus({ preventScroll: true });
    onpress(event.timeStamp);
    pointer = event.pointerId;
    element.setPointerCapture(pointer);
    onmove(place(event), true);
  });
  element.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) onmove(place(one), false);
  });
  const end = (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    onlift(event.timeStamp);
  };
  for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, end);
}

/**
 * padBoard({width, onmove, onlift, onpen}) reports a stroke's next point, onmove([x, y], first), and its
 * end, onlift(time), with the time of the event. width() is the pen's, and onpen(down) tells when the keys'
 * pen is put down or lifted. show({image, strokes}) draws: an image of SIDE x SIDE below strokes
 * {points, width}.
 */
export function padBoard({ width, ...reports }) {
  const element = h("canvas", { class: "pad", width: BACKING, height: BACKING, tabindex: 0,
    role: "application", "aria-roledescription": "drawing pad",
    "aria-label": "Drawing pad. Arrows move the pen, Space puts it down and lifts it." });
  const context = element.getContext("2d"), small = h("canvas", { width: SIDE, height: SIDE });
  let drawn = { image: null, strokes: [] };
  const pen = keyPen(element, reports, paint);
  pointerPen(element, reports, pen.lift);

  function paintImage(image) {
    const data = new ImageData(SIDE, SIDE);
    image.forEach((gray, i) => data.data.set([255 * gray, 255 * gray, 255 * gray, 255], 4 * i));
    small.getContext("2d").putImageData(data, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, BACKING, BACKING);
  }
  function paint() {
    context.fillStyle = "#000";
    context.fillRect(0, 0, BACKING, BACKING);
    if (drawn.image) paintImage(drawn.image);
    Object.assign(context, { strokeStyle: "#fff", lineCap: "round", lineJoin: "round" });
    for (const { points, width: wide } of drawn.strokes) {
      context.lineWidth = wide * BACKING;
      context.beginPath();
      const [first, ...rest] = points.map((point) => point.map((at) => at * BACKING));
      context.moveTo(...first);
      for (const point of rest.length ? rest : [first]) context.lineTo(...point); // to itself: a dot
      context.stroke();
    }
    if (!pen.seen) return;
    context.beginPath();
    context.arc(pen.at[0] * BACKING, pen.at[1] * BACKING, Math.max(10, (width() * BACKING) / 2), 0, 7);
    Object.assign(context, { lineWidth: 6, strokeStyle: pen.down ? "#e8710a" : "#1a73e8" });
    context.stroke();
  }
  return { element, show(what) {
    drawn = what;
    paint();
  } };
}
