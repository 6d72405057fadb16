/** A menu that opens at a place on the page and closes when something is chosen or left. */

import { append, el, icon } from "./dom.js";

let close = () => {};

/**
 * Open a menu. `where` is a pointer event or the element that it belongs to; `head` is shown
 * above, and `groups` are { title?, items: [{ label, detail?, shape?, danger?, choose }], empty? }.
 */
export function openMenu(where, { label, head = null, groups }) {
  close();
  const returnTo = document.activeElement;
  const menu = el("div", { className: "popup", role: "menu", "aria-label": label, tabIndex: -1 });
  append(menu, [head]);
  for (const { title, items, empty } of groups) {
    if (items.length === 0 && !empty) continue;
    const group = el("div", { className: "popup-group", role: "group", "aria-label": title ?? label });
    append(group, [title && el("p", { className: "menu-title" }, title), items.map(entry)]);
    if (items.length === 0) append(group, [el("p", { className: "popup-empty" }, empty)]);
    menu.append(group);
  }

  function entry({ label: text, detail, shape, danger, choose }) {
    const take = () => {
      shut();
      choose();
    };
    return el(
      "button",
      { className: danger ? "popup-item dangerous" : "popup-item", type: "button", role: "menuitem", tabIndex: -1, onclick: take },
      el("span", {}, text, detail && el("small", {}, detail)),
      shape && icon(shape),
    );
  }

  const outside = ({ target }) => !menu.contains(target) && shut();
  function shut() {
    document.removeEventListener("pointerdown", outside, true);
    menu.remove();
    close = () => {};
    if (returnTo?.isConnected) returnTo.focus();
  }
  close = shut;
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll("[role=menuitem]")];
    const at = items.indexOf(document.activeElement);
    if (event.key === "ArrowDown") items[(at + 1) % items.length]?.focus();
    else if (event.key === "ArrowUp") items.at(Math.max(at, 0) - 1)?.focus();
    else if (event.key === "Home") items[0]?.focus();
    else if (event.key === "End") items.at(-1)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") shut();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener("pointerdown", outside, true);
  document.getElementById("main").append(menu);
  put(menu, where);
  (menu.querySelector("[role=menuitem]") ?? menu).focus({ preventScroll: true });
}

/** Keep the menu on the page, beside where it belongs. */
function put(menu, where) {
  const element = where instanceof Element ? where : where.currentTarget;
  const box = element.getBoundingClientRect();
  const byPointer = !(where instanceof Element) && where.detail !== 0 && (where.clientX > 0 || where.clientY > 0);
  const [x, y] = byPointer || where.type === "contextmenu" ? [where.clientX, where.clientY] : [box.right + 4, box.top];
  menu.style.left = `${Math.max(8, Math.min(x, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(y, innerHeight - menu.offsetHeight - 8))}px`;
}
