// A widget that fills the window, for a room to see: a button, the key f, and type as large as all of it has room.
import { h, iconButton, scrollerOf } from "./dom.js";

const CORNERS = "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z";
const [SMALLEST, SMALL, LARGEST, FIRST, TRIES] = [0.75, 1, 2.6, 1.3, 6];
const NARROW = 560; // pixels, in which two columns are too much
const OUTLINE = 6; // pixels that a mark may reach beyond its part
const TYPED = "input:not([type=checkbox], [type=radio], [type=range]), select, textarea, [contenteditable]";

/**
 * Draws the widget `scale` times as large, its first part above the others or beside them. Returns how much
 * of its room it takes: above 1 it is too large.
 */
function draw(root, beside, scale) {
  root.classList.toggle("beside", beside);
  root.style.setProperty("--scale", scale);
  const isWide = [root, ...root.children].some((one) => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + OUTLINE);
  const high = (root.scrollHeight * scale + 1) / root.parentElement.clientHeight;
  return isWide ? Math.max(high, FIRST) : high;
}

/** The largest scale from `least` to `most` at which a layout fits, where at `scale` it takes `taken` of its room; else `least`. */
function largest(root, beside, [least, most], scale, taken) {
  let [low, high] = [least, most];
  for (let k = 0; k <= TRIES; k++) {
    if (taken <= 1) low = scale;
    else high = scale;
    if (k === TRIES || high - low < 0.02) break;
    const guess = taken > 1 ? scale / taken ** 1.1 : Math.max(scale / taken ** 0.5, (low + high) / 2);
    scale = guess > low && guess < high ? guess : (low + high) / 2;
    taken = draw(root, beside, scale);
  }
  return low;
}

/**
 * Draws the widget as large as it has room, from `least` to `most`; where that is too large, as `otherwise`, to be
 * scrolled. Each try costs a layout, so there are few.
 */
function fit(root, { least, otherwise }, most) {
  root.style.minHeight = 0; // else it always takes all the room
  const first = Math.min(FIRST, most), [above, aside] = [false, true].map((beside) => draw(root, beside, first));
  const scaleOf = (beside) => largest(root, beside, [least, most], first, beside ? aside : above);
  const isRoomy = root.parentElement.clientWidth > NARROW;
  let beside = isRoomy && above > 1 && aside < above, scale = scaleOf(beside);
  if (isRoomy && scale < SMALL) {
    const other = scaleOf(!beside);
    if (other > scale) [beside, scale] = [!beside, other];
  }
  if (draw(root, beside, scale) > 1) draw(root, isRoomy, otherwise);
  root.style.minHeight = "";
}

/** Draws the widget as large as `box`, its parent, has room, and again when that changes or more has come. Returns what ends it. */
export function fill(root, box, scales = { least: SMALLEST, most: LARGEST, otherwise: SMALLEST }) {
  const observer = new ResizeObserver((all) => {
    const scale = root.style.getPropertyValue("--scale");
    if (all.some(({ target }) => target === box)) refit();
    else if (scale > scales.least && root.offsetHeight * scale > box.clientHeight + 1) fit(root, scales, scale); // more has come
  });
  const refit = () => fit(root, scales, scales.most);
  refit();
  root.addEventListener("toggle", refit, true); // a part that is unfolded
  for (const one of [box, root]) observer.observe(one);
  return () => {
    observer.disconnect();
    root.removeEventListener("toggle", refit, true);
    root.classList.remove("beside");
    root.style.removeProperty("--scale");
  };
}

/** The dialog that holds the widget while it fills the window; onmove() when it comes and when it goes. */
function createDialog(root, label, onmove) {
  // Sphinx's script takes Escape away from a page, and so from the dialog, too.
  const escape = (event) => event.key === "Escape" && shut();
  const element = h("dialog", { class: "cnn-window", "aria-label": label, close: leave, keydown: escape });
  const place = h("div"); // where the widget was: the page keeps its height
  let scroller = null, top = 0, focused = null, end = () => {};
  root.addEventListener("focusin", ({ target }) => (focused = target));

  /** Moved, the widget loses the focus. */
  function move(act) {
    const kept = root.contains(document.activeElement) ? document.activeElement : focused;
    act();
    onmove(element.open);
    kept?.focus({ preventScroll: true });
    focused = kept;
  }
  function enter() {
    scroller = scrollerOf(root);
    top = scroller.scrollTop;
    place.style.height = `${root.offsetHeight}px`;
    move(() => {
      root.replaceWith(place);
      place.append(element);
      element.append(root);
      element.showModal();
    });
    end = fill(root, element);
  }
  function shut() {
    element.close();
    leave(); // the event comes later, and a quick second press before it
  }
  function leave() {
    if (element.open || !place.isConnected) return;
    end();
    move(() => place.replaceWith(root));
    scroller.scrollTop = top;
  }
  function stop() {
    end();
    if (place.isConnected) place.replaceWith(root);
  }
  return { element, stop, toggle: () => (element.open ? shut() : enter()) };
}

/** The button that lets a widget fill the window, and the key f where the focus is, or else the mouse; stop() when it goes. */
export function fullWindow(root, label, onmove) {
  const dialog = createDialog(root, label, (isOpen) => {
    button.setAttribute("aria-pressed", isOpen);
    onmove();
  });
  const button = iconButton("Fill the window", CORNERS, dialog.toggle,
    { class: "full-window", title: "Fill the window, and leave it again (f)", "aria-keyshortcuts": "f", "aria-pressed": "false" });
  let pointed = false;
  root.addEventListener("pointerenter", () => (pointed = true));
  root.addEventListener("pointerleave", () => (pointed = false));
  function onKey(event) {
    const { target, key } = event;
    const isHere = dialog.element.open || root.contains(target) || (target === document.body && pointed);
    if (key !== "f" || !isHere || event.ctrlKey || event.metaKey || event.altKey || target.closest(TYPED)) return;
    event.preventDefault();
    dialog.toggle();
  }
  document.addEventListener("keydown", onKey);
  return { element: button, stop() {
    document.removeEventListener("keydown", onKey);
    dialog.stop();
  } };
}
