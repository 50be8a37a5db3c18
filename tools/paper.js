// Makes of a page, as it is printed, what paper and e-readers show. tools/paper.py puts it into each page.

/** Texts in rows of so many columns. */
function table(kind, texts, columns) {
  const element = document.createElement("table");
  element.className = kind;
  texts.forEach((text, i) => {
    const row = i % columns ? element.rows[element.rows.length - 1] : element.insertRow();
    row.insertCell().textContent = text;
  });
  return element;
}

/** A question with its choices, or with room for the answer. */
function question(root) {
  const [box, asked] = [document.createElement("div"), document.createElement("div")];
  box.className = "question-box";
  asked.className = "question";
  asked.append(...root.querySelector(".question").cloneNode(true).childNodes);
  box.append(asked);
  const choices = [...root.querySelectorAll(".choice > span")], rows = [...root.querySelectorAll(".answers .number-row")];
  if (choices.length) {
    const list = document.createElement("ul");
    list.className = "choices";
    for (const choice of choices) list.appendChild(document.createElement("li")).append(...choice.cloneNode(true).childNodes);
    box.append(list);
  } else {
    const columns = rows.length ? rows[0].querySelectorAll(".number").length : 1;
    box.append(table("room", Array.from({ length: (rows.length || 1) * columns }, () => "\u00a0"), columns));
  }
  for (const one of box.querySelectorAll(".matrix")) {
    const columns = Number(one.style.getPropertyValue("--columns"));
    one.replaceWith(table("matrix", [...one.children].map((cell) => cell.textContent), columns));
  }
  return box;
}

/** A widget's picture, and where it is alive. */
function pictured({ src, alt, width, height }, living) {
  const figure = document.createElement("figure"), picture = document.createElement("img");
  figure.className = "widget";
  Object.assign(picture, { alt, width, height });
  picture.setAttribute("src", src);
  if (!living) return figure.append(picture), figure;
  const [link, words, caption] = ["a", "a", "figcaption"].map((kind) => document.createElement(kind));
  link.href = words.href = words.textContent = living;
  link.append(picture);
  caption.append("Alive at ", words);
  figure.append(link, caption);
  return figure;
}

/** Puts pictures and plain questions in the place of the widgets. */
function stillWidgets(article, pictures, living) {
  const rest = [...pictures];
  for (const root of article.querySelectorAll(".cnn-widget")) {
    const part = root.closest("section[id]")?.id ?? "";
    root.replaceWith(root.matches(".check") ? question(root) : pictured(rest.shift(), living && `${living}#${part}`));
  }
}

/** Takes away what is not printed, and what is then left empty. */
function leaveOut(article) {
  const own = "script, noscript, style, .headerlink, .readers, .keep-offline, .take-along, .progress-report, a:has(> .viewcode-link)";
  const hidden = (one) => !one.closest("math, h1") && getComputedStyle(one).display === "none";
  for (const one of article.querySelectorAll("*")) if (one.matches(own) || hidden(one)) one.remove();
  for (const fold of article.querySelectorAll("details")) fold.replaceWith(...fold.childNodes);
  for (const tree of article.querySelectorAll(".toctree-wrapper")) tree.closest("section").remove();
  for (const one of [...article.querySelectorAll("div, span, section")].reverse())
    if (!one.textContent.trim() && !one.querySelector("img, table")) one.remove();
  for (const part of [...article.querySelectorAll("section section")].reverse())
    if ([...part.children].every((one) => /^H\d$/.test(one.tagName))) part.remove();
}

/** A name that no other element of the book has, and that XML takes. */
const named = (page, id) => `${page}--${id.replace(/[^\w.-]/g, "-")}`;

/** Lets a link lead to its place in the book, or in the published one, or nowhere. */
function leadOn(link, pages, base) {
  const root = new URL(document.documentElement.dataset.content_root, location);
  const url = new URL(link.getAttribute("href"), location);
  if (!url.href.startsWith(root.href)) return;
  const path = url.pathname.slice(root.pathname.length);
  const page = pages[path.replace(/\.html$/, "").replace(/^index$/, "intro")];
  if (page) link.setAttribute("href", `${page}.xhtml#${url.hash ? named(page, decodeURIComponent(url.hash.slice(1))) : page}`);
  else if (base) link.href = base + path + url.hash;
  else link.replaceWith(...link.childNodes);
}

const KEPT = ["id", "class", "href", "src", "alt", "width", "height", "colspan", "rowspan", "start"];

/** Keeps of the attributes what e-readers allow. */
function tidy(article, name) {
  const seen = new Set();
  for (const one of article.querySelectorAll("*")) {
    if (one.closest("math")) continue;
    for (const attribute of one.getAttributeNames()) if (!KEPT.includes(attribute)) one.removeAttribute(attribute);
    if (!one.id) one.removeAttribute("id");
    else if (seen.has(one.id)) one.removeAttribute("id");
    else {
      seen.add(one.id);
      one.id = named(name, one.id);
    }
  }
  for (const one of article.querySelectorAll(".sig :is(dl, dd)")) { // a signature is one line, however it is broken
    const line = document.createElement("div");
    line.append(...one.childNodes);
    one.replaceWith(line);
  }
  for (const one of article.querySelectorAll("mfrac[displaystyle]")) {
    const style = document.createElementNS(one.namespaceURI, "mstyle");
    style.setAttribute("displaystyle", one.getAttribute("displaystyle"));
    one.removeAttribute("displaystyle");
    one.replaceWith(style);
    style.append(one);
  }
  for (const one of article.querySelectorAll("mtable")) one.removeAttribute("scriptlevel");
  for (const math of article.querySelectorAll("math")) {
    const source = math.querySelector("annotation");
    math.setAttribute("alttext", source.textContent.trim());
    source.remove();
  }
}

/** The page as XHTML, its title, its sections, and the files of its pictures. */
globalThis.onPaper = ({ name, pages, pictures, published }) => {
  const article = document.querySelector("article");
  const [base, living] = published ?? ["", ""];
  stillWidgets(article, pictures, living);
  leaveOut(article);
  for (const link of article.querySelectorAll("a[href]")) leadOn(link, pages, base);
  const files = [];
  for (const image of article.querySelectorAll("img:not(.widget img)")) {
    files.push(image.src.replace(/[?#].*/, ""));
    image.setAttribute("src", `pictures/${files.at(-1).split("/").at(-1)}`);
    if (!image.hasAttribute("width")) image.width = image.naturalWidth;
  }
  tidy(article, name);
  article.id = name;
  article.className = "chapter";
  const heading = article.querySelector("h1");
  const sections = [...article.querySelectorAll("h2")].map((one) => [one.closest("[id]").id, one.textContent]);
  return { html: new XMLSerializer().serializeToString(article), title: heading.textContent, sections, files };
};
