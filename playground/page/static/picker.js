/** The panel over the message box that offers commands, options and choices. */

import { el } from "./dom.js";

/** A list to choose from by keyboard or mouse, belonging to whatever input is in use. */
export class Picker {
  constructor(root) {
    this.root = root;
    this.items = [];
    this.active = -1;
    // Keep the focus in the input when the list is clicked.
    root.addEventListener("mousedown", (event) => event.preventDefault());
  }

  get open() {
    return !this.root.hidden;
  }

  /**
   * Show a list. Items are { label, detail, badge, choose }; `active` is the index of the one
   * that Enter takes, or -1; `extras` are { label, title, choose } shown as small buttons.
   */
  show({ title, hint, items = [], active = -1, extras = [], empty = null, input = null }) {
    this.items = items;
    this.input = input;
    this.list = el(
      "div",
      { className: "picker-list", role: "listbox", id: "picker-list", "aria-label": title },
      items.map((item, index) => this.row(item, index)),
    );
    this.root.replaceChildren(
      el("div", { className: "picker-head" }, el("b", {}, title), hint && el("span", {}, hint)),
      this.list,
    );
    if (items.length === 0 && empty) this.list.replaceWith(el("p", { className: "picker-empty" }, empty));
    if (extras.length > 0) {
      const buttons = extras.map((extra) =>
        el("button", { className: "extra", type: "button", tabIndex: -1, title: extra.title, onclick: extra.choose }, "+ ", extra.label),
      );
      this.root.append(el("div", { className: "picker-extras" }, el("span", {}, "Options"), buttons));
    }
    this.root.hidden = false;
    input?.setAttribute("aria-expanded", "true");
    this.activate(items.length > 0 ? active : -1);
  }

  row(item, index) {
    return el(
      "div",
      {
        className: "picker-item",
        role: "option",
        id: `picker-${index}`,
        "aria-selected": "false",
        onclick: () => item.choose(),
        onmousemove: () => this.active !== index && this.activate(index),
      },
      el("span", { className: "picker-label" }, item.label),
      item.detail && el("span", { className: "picker-detail" }, item.detail),
      item.badge && el("span", { className: "picker-badge" }, item.badge),
    );
  }

  activate(index) {
    this.active = index;
    [...this.list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === index)));
    this.list.children[index]?.scrollIntoView({ block: "nearest" });
    if (index >= 0) this.input?.setAttribute("aria-activedescendant", `picker-${index}`);
    else this.input?.removeAttribute("aria-activedescendant");
  }

  /** Move up or down; false when there is nothing to move in. */
  move(step) {
    if (!this.open || this.items.length === 0) return false;
    const count = this.items.length;
    const from = this.active < 0 && step < 0 ? 0 : this.active;
    this.activate((from + step + count) % count);
    return true;
  }

  /** Take the active item; false when there is none. */
  accept() {
    if (!this.open || this.active < 0) return false;
    this.items[this.active].choose();
    return true;
  }

  hide() {
    this.root.hidden = true;
    this.items = [];
    this.active = -1;
    this.input?.setAttribute("aria-expanded", "false");
    this.input?.removeAttribute("aria-activedescendant");
  }
}
