// A photograph and ten classes: a trained network answers in the page, and every number can be traced to its sum.
import { same } from "./shared/view/controls.js";
import { format, h } from "./shared/view/dom.js";
import { exampleButton, shelf } from "./shared/view/examples.js";
import { frame, group } from "./shared/view/frame.js";
import { decoded, imageOf, ownPicture, paintLight, takeFiles } from "./shared/view/picture.js";
import { layerStrips } from "./shared/view/strips.js";
import { inference } from "./shared/math/inference.js";
import { best } from "./shared/math/lists.js";
import { softmax } from "./shared/math/loss.js";
import { fitted } from "./shared/math/resizing.js";

const SIDE = 32, FRAME = [640, 640]; // of what the network gets, and of a reader's own picture, at most
const NEAR = 12 / 255;
const COLORS = ["red", "green", "blue"];

const percent = (p) => (p >= 0.9995 ? "over 99.9%" : `${format(100 * p, 1)}%`);
/** The same picture as bytes in base64, as Python takes it. */
const kept = ({ shape, data }) => ({ shape, bytes: btoa(Array.from(data, (value) => String.fromCharCode(Math.round(value * 255))).join("")) });

/** A square out of a picture, side x side pixels from a row and a column on, as a picture. */
function tile({ shape: [, rows, columns], data }, [top, left], side) {
  const cut = new Float64Array(3 * side * side);
  for (let line = 0; line < 3 * side; line++) {
    const from = (Math.floor(line / side) * rows + top + (line % side)) * columns + left;
    cut.set(data.subarray(from, from + side), line * side);
  }
  return { shape: [3, side, side], data: cut };
}

function paint(canvas, { shape: [, side], data }) {
  const pixels = new ImageData(side, side), area = side * side;
  paintLight(pixels.data, [0, 1, 2].map((part) => data.subarray(part * area, (part + 1) * area)));
  Object.assign(canvas, { width: side, height: side });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** A bar for each class, and the answer in words. */
function createAnswer(classes) {
  const bars = classes.map((name) => {
    const number = h("span", { class: "chance" }), fill = h("span", { class: "fill" });
    const bar = h("span", { class: "bar", "aria-hidden": "true" }, fill);
    return { number, fill, element: h("li", {}, h("span", { class: "class-name" }, name), bar, number) };
  });
  const big = h("strong"), sure = h("span"), truth = h("span", { class: "truth" });
  const note = `The ${classes.length} numbers always add up to 1, for softmax shares out one whole. There is no share for “none of these”: a picture of something else is given one of the ${classes.length} names, too.`;
  return {
    element: h("div", { class: "answer" }, h("p", {}, big, " ", sure, truth),
      h("ol", { class: "chances", "aria-label": "Probabilities" }, bars.map((bar) => bar.element)), h("p", { class: "note" }, note)),
    get text() { return [big, sure, truth].map((one) => one.textContent).filter(Boolean).join(", "); },
    update(p, example) {
      const most = best(p);
      bars.forEach(({ element, number, fill }, k) => {
        number.textContent = p[k] > 0 && p[k] < 0.0005 ? "<0.1%" : `${format(100 * p[k], 1)}%`;
        fill.style.width = `${100 * p[k]}%`;
        element.classList.toggle("best", k === most);
      });
      big.textContent = classes[most];
      sure.textContent = percent(p[most]);
      truth.textContent = example ? `CIFAR-10 says ${classes[example.label]}` : "";
      truth.classList.toggle("wrong", Boolean(example) && example.label !== most);
    },
  };
}

/** The examples, tiles of one picture, in two rows; onload(example, its image), and onread() when they are there. */
function createExamples({ get, complain }, onload, onread) {
  const examples = get("examples"), classes = get("classes"), { pixels, side, columns } = get("sheet"), canvases = [];
  let images = [];
  const buttons = examples.map((example, i) => {
    const read = example.answer === example.label ? "" : `, which the network took for ${classes[example.answer]}`;
    canvases.push(h("canvas", { "aria-hidden": "true" }));
    return exampleButton(`Test image ${example.index}: ${classes[example.label]}${read}`, canvases[i], () => images[i] && onload(example, images[i]));
  });
  const row = (wrong) => buttons.filter((_, i) => (examples[i].answer !== examples[i].label) === wrong);
  /** The sheet is read once; then each example is a part of it. */
  async function read() {
    const sheet = imageOf(await decoded(pixels, [4096, 4096]));
    images = canvases.map((_, i) => tile(sheet, [Math.floor(i / columns), i % columns].map((at) => at * side), side));
    canvases.forEach((canvas, i) => paint(canvas, images[i]));
    onread();
  }
  if (examples.length) read().catch((error) => complain(error.message));
  const element = h("div", { class: "examples", role: "group", "aria-label": "Examples", hidden: !examples.length },
    shelf("test images", row(false)), shelf("mistakes", row(true)));
  return { element, update(example) {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(examples[i] === example)));
  },
  /** The example that an image is, as far as another reader of the same JPEG may differ. */
  known: ({ data }) => examples[images.findIndex((one) => one.data.every((value, i) => Math.abs(value - data[i]) < NEAR))] ?? null };
}

/** A reader's own picture, its middle, beside what the network gets of any picture. */
function createPictures() {
  const [whole, small] = ["The middle of your picture", "What the network gets"].map((label) => h("canvas", { role: "img", "aria-label": label }));
  const figure = (canvas, name) => h("div", { class: "picture" }, h("span", { class: "plane-name" }, name), canvas);
  const own = figure(whole, "your picture, cut"), given = figure(small, `for the network, ${SIDE}×${SIDE}`);
  return { element: h("div", { class: "pictures" }, given, own), show(image, picture) {
    paint(small, image);
    own.hidden = !picture;
    if (!picture) return;
    const [, rows, columns] = picture.shape, side = Math.min(rows, columns);
    paint(whole, tile(picture, [rows, columns].map((length) => Math.floor((length - side) / 2)), side));
  } };
}

function build(own) {
  const { get, set, announce, complain } = own;
  const network = inference(get("layers"), [3, SIDE, SIDE]), shown = { pixels: new Float64Array(3 * SIDE * SIDE), names: COLORS };
  const pictures = createPictures(), answer = createAnswer(get("classes"));
  const layers = layerStrips(own, network, { key: (step) => step.name, image: shown });
  let published = null, place = "", scaling = "", waiting = 0;

  /** The answer first, and the maps when it is on the screen. */
  function read(image, { example = examples.known(image), picture = null, time = 0, later = true } = {}) {
    const [mean, deviation] = get("mean_std");
    shown.pixels.set(image.data);
    const logits = network.run(image.data.map((value) => (value - mean) / deviation));
    answer.update([...softmax({ shape: [logits.length], data: logits }).data], example);
    pictures.show(image, picture);
    examples.update(example);
    if (time) pictures.element.closest(".cnn-widget").dataset.answered = (performance.now() - time).toFixed(1);
    cancelAnimationFrame(waiting);
    if (later) waiting = requestAnimationFrame(layers.paint);
    else layers.paint();
  }
  /** What a reader has chosen or given; Python gets it, too. */
  function give(image, more) {
    complain("");
    published = kept(image);
    read(image, { ...more, time: performance.now() });
    set({ image: published });
    announce(`The network says ${answer.text}`);
  }
  const take = (picture) => {
    const image = imageOf(picture);
    give(fitted(image, SIDE), { picture: image });
  };
  const picker = ownPicture(FRAME, take, complain), examples = createExamples(own, (example, image) => give(image, { example }), () => read(imageOf(get("image"))));
  /** What Python has set, or a choice. */
  function heed(now) {
    if (!same(now.image, published) || now.scaling !== scaling) {
      published = now.image;
      read(imageOf(now.image), { later: place !== "" });
    }
    if (place && place !== now.selected) announce(layers.write());
    [place, scaling] = [now.selected, now.scaling];
  }
  const main = group({ class: "main" }, group({ class: "controls" }, picker.controls, own.reset), picker.note, own.error, picker.camera,
    h("div", { class: "board" }, h("div", {}, pictures.element, examples.element), answer.element));
  takeFiles(main.element, picker.take);
  return {
    state: () => ({ image: get("image"), scaling: String(get("mean_std")), selected: String(get("selected")) }),
    parts: [main, group({ class: "all-layers" }, h("p", { class: "part-title" }, "What every layer makes of it"),
      { element: layers.element, update: heed, stop() {
        cancelAnimationFrame(waiting);
        picker.camera.stop();
      } }), own.live],
  };
}

export default frame({ mark: "photo-classifier layered", label: "A photograph and ten classes", kept: ["image", "selected"], build });
