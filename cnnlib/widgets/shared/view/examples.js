// Images to choose from: small buttons in rows.
import { h } from "./dom.js";
import { inRange } from "./maps.js";

/** A small picture that can be pressed. */
export const exampleButton = (label, picture, click) =>
  h("button", { type: "button", class: "example", title: label, "aria-label": label, "aria-pressed": "false", click }, picture);

/** A row of such buttons after its name, with one tab stop: arrows move, Enter or a click chooses. Without any, null. */
export function shelf(text, buttons) {
  const stop = (chosen) => buttons.forEach((button) => (button.tabIndex = button === chosen ? 0 : -1));
  function keydown(event) {
    const at = buttons.indexOf(event.target), by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (at < 0 || !by) return;
    event.preventDefault();
    const to = buttons[inRange(at + by, 0, buttons.length - 1)];
    stop(to);
    to.focus();
  }
  stop(buttons[0]);
  return buttons.length ? h("div", { class: "shelf" }, h("span", { class: "note" }, text), h("div", { class: "thumbs", keydown }, buttons)) : null;
}
