// Parts of which one is open: a row of tabs, moved through with the arrow keys.
import { h } from "./dom.js";

let made = 0; // of all rows of tabs, so that no two have the same ids

/** tabs({label, parts, read, write}): parts are [name, part] pairs; read() and write(name) the one that is open. */
export function tabs({ label, parts, read, write }) {
  const id = `tabs-${made++}`, names = parts.map(([name]) => name);
  const buttons = names.map((name, i) => h("button", { type: "button", role: "tab", id: `${id}-${i}`, "aria-controls": `${id}-${i}-panel`, click: () => write(name) }, name));
  const panels = parts.map(([, part], i) => h("div", { role: "tabpanel", id: `${id}-${i}-panel`, "aria-labelledby": `${id}-${i}` }, part));
  const list = h("div", { class: "tab-list", role: "tablist", "aria-label": label, keydown(event) {
    const at = buttons.indexOf(event.target), by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const to = by ? (at + by + names.length) % names.length : { Home: 0, End: names.length - 1 }[event.key];
    if (at < 0 || to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    write(names[to]);
    buttons[to].focus();
  } }, buttons);
  return { element: h("div", { class: "tabs" }, list, panels), stop: (what) => parts.forEach(([, part]) => part.stop?.(what)), update(now) {
    const open = names.indexOf(read()), isOther = panels[open].hidden, isLeft = isOther && panels.some((one) => one.contains(document.activeElement));
    buttons.forEach((one, i) => {
      one.setAttribute("aria-selected", i === open);
      one.tabIndex = i === open ? 0 : -1;
      panels[i].hidden = i !== open;
    });
    if (isLeft) buttons[open].focus(); // what had the focus is hidden now
    parts[open][1].update?.(now);
    if (isOther) list.dispatchEvent(new Event("toggle")); // a widget that fills the window is fitted anew
  } };
}
