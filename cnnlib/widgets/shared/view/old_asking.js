// Predict first, for a widget in which the reader chooses one of several numbers.
import { h } from "./dom.js";
import { prediction } from "./old_predict.js";

/**
 * asking({get, set, draw, onnext}) keeps the traits `predict` and `score`. `tick` switches it on, `element`
 * asks. heed(data) comes first when drawing: other data are other numbers, and what was found is forgotten.
 * hidden(key) says whether a number is still to be found; update(key, task) asks for it (see prediction).
 */
export function asking({ get, set, draw, onnext }) {
  const known = new Set();
  let current = "", data = "";
  const start = () => {
    known.clear();
    set({ predict: box.checked, score: [0, 0] });
  };
  const box = h("input", { type: "checkbox", change: start });
  const form = prediction({ onnext, onreveal(right) {
    const [good, asked] = get("score");
    if (!known.has(current)) set({ score: [good + (right ? 1 : 0), asked + 1] });
    known.add(current);
    draw();
  } });
  const hidden = (key) => get("predict") && !known.has(key);
  return {
    tick: h("label", { class: "tick" }, box, "Predict first"),
    element: form.element,
    hidden,
    heed(newData) {
      if (newData !== data) known.clear();
      data = newData;
    },
    update(key, task) {
      current = key;
      box.checked = get("predict");
      form.element.hidden = !get("predict");
      form.update({ ...task, key: key + data, score: get("score"), known: !hidden(key) });
    },
  };
}
