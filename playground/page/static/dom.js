/** Building elements without ever parsing text as HTML. */

import { pictured } from "./emoji.js";

/** Elements that hold nothing but text. */
const PLAIN = new Set(["OPTION", "TEXTAREA"]);

/**
 * Make an element. `properties` are set as properties where the element has them (`className`,
 * `onclick`, …) and as attributes otherwise (`aria-label`, `role`, …); children that are
 * null, undefined or false are left out, strings become text and the pictures of its emoji.
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "dataset") Object.assign(element.dataset, value);
    else if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

/** Append children as `el` does; lists are flattened. */
export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    if (typeof child === "string" && !PLAIN.has(element.tagName)) element.append(...pictured(child));
    else element.append(child);
  }
}

/** Put a text, with the pictures of its emoji, in place of what an element holds. */
export function write(element, text) {
  element.replaceChildren(...pictured(text));
}

const SHAPES = {
  hash: "M10 3 8 21M16 3l-2 18M4 8.5h16M3 15.5h16",
  at: "M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0zm0 0v1.5a2.5 2.5 0 0 0 5 0V12a9 9 0 1 0-3.5 7.1",
  eye: "M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12zm10 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  send: "M4 12 3 4l18 8-18 8 1-8zm0 0h8",
  swap: "M7 4 3 8l4 4M3 8h14M17 12l4 4-4 4M21 16H7",
  trash: "M4 7h16M10 11v6M14 11v6M6 7l1 13h10l1-13M9 7V4h6v3",
  close: "M5 5l14 14M19 5 5 19",
  left: "M15 4 7 12l8 8",
  right: "M9 4l8 8-8 8",
  down: "M5 9l7 7 7-7",
  external: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  check: "M4 12.5 10 18 20 6",
  plus: "M12 5v14M5 12h14",
  slash: "M15 4 9 20",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
  bolt: "M13 2 5 14h6l-1 8 9-13h-7z",
  thread: "M5 4h14v11h-8l-4 4v-4H5zM9 8h6M9 11h4",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  menu: "M3 6h18M3 12h18M3 18h18",
  info: "M12 11v6M12 7.5h.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.3c2 .8 3.5 2.7 3.5 5.7",
  reply: "M9 7 4 12l5 5M4 12h10a6 6 0 0 1 6 6",
};

/** Make one of the page's icons; it says nothing to screen readers. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/** Colour a name by its role, if it has one; returns the name. */
export function inRoleColour(name, colour) {
  if (!colour) return name;
  name.classList.add("role-colour");
  name.style.setProperty("--role", `#${colour.toString(16).padStart(6, "0")}`);
  return name;
}

/** Format a number of bytes. */
export function bytes(size) {
  if (size < 1024) return `${size} B`;
  if (size < 1024 * 1024) return `${(size / 1024).toFixed(1)} KB`;
  return `${(size / 1024 / 1024).toFixed(2)} MB`;
}

/** Resolve when what is being pressed has been let go, and its click handled (a finger's comes later). */
export function letGo() {
  return new Promise((resolve) => {
    const events = ["pointerup", "pointercancel", "keyup", "blur"];
    const over = () => {
      for (const name of events) removeEventListener(name, over);
      setTimeout(resolve, 100);
    };
    for (const name of events) addEventListener(name, over);
  });
}
