// Images to choose from: small buttons in rows.
import { h, roving } from "./dom.js";

/** A small picture that can be pressed. */
export const exampleButton = (label, picture, click) =>
  h("button", { type: "button", class: "example", title: label, "aria-label": label, "aria-pressed": "false", click }, picture);

/** A row of such buttons after its name, with one tab stop: arrows move, Enter or a click chooses. Without any, null. */
export function shelf(text, buttons) {
  const row = h("div", { class: "thumbs" }, buttons);
  roving(row, () => buttons)(buttons[0]);
  return buttons.length ? h("div", { class: "shelf" }, h("span", { class: "note" }, text), row) : null;
}
