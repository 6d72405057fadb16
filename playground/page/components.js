/** Buttons and select menus under a message. */

import { el, icon } from "./dom.js";
import { act, emit, state } from "./state.js";
import { expect } from "./pending.js";

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary" };

/** Show a message's rows of components. */
export function rows(message) {
  return message.components.map((row) =>
    el(
      "div",
      { className: "component-row" },
      row.components.map((item) => (item.type === 2 ? button(message, item) : menu(message, item))),
    ),
  );
}

function button(message, item) {
  const content = [
    item.emoji?.name && el("span", { className: "button-emoji" }, item.emoji.name),
    item.label && el("span", {}, item.label),
    item.url && icon("external"),
  ];
  const name = [item.emoji?.name, item.label].filter(Boolean).join(" ");
  if (item.url) {
    return el("a", { className: "button secondary", href: item.url, target: "_blank", rel: "noopener noreferrer" }, content);
  }
  const made = el(
    "button",
    {
      className: `button ${STYLES[item.style]}`,
      type: "button",
      disabled: item.disabled,
      "aria-label": name,
      dataset: { customId: item.custom_id },
    },
    content,
  );
  made.addEventListener("click", () => use(made, message, "click", { custom_id: item.custom_id }));
  return made;
}

/** Use a component: it waits visibly until the bot has answered. */
async function use(element, message, action, orders) {
  if (element.classList.contains("waiting")) return;
  element.classList.add("waiting");
  element.setAttribute("aria-busy", "true");
  const done = () => {
    element.classList.remove("waiting");
    element.removeAttribute("aria-busy");
  };
  try {
    await expect(act(action, { message: message.id, ...orders }), { message, done });
  } catch (problem) {
    done();
    emit("failed", { message, text: problem.message });
  }
}

function menu(message, item) {
  const options = item.type === 3 ? item.options : people();
  const chosen = new Set(options.filter((option) => option.default).map((option) => option.value));
  const several = (item.max_values ?? 1) > 1;
  const summary = el("span", { className: "select-summary" });
  const toggle = el(
    "button",
    {
      className: "select",
      type: "button",
      disabled: item.disabled,
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      dataset: { customId: item.custom_id },
    },
    summary,
    el("span", { className: "select-arrow", "aria-hidden": "true" }, "⌄"),
  );
  const list = el("div", { className: "select-list", role: "listbox", hidden: true, "aria-multiselectable": several });
  const holder = el("div", { className: "select-holder" }, toggle, list);

  const describe = () => {
    const labels = options.filter((option) => chosen.has(option.value)).map((option) => option.label);
    summary.textContent = labels.join(", ") || item.placeholder || "Make a selection";
    summary.classList.toggle("placeholder", labels.length === 0);
  };
  const open = (wanted) => {
    list.hidden = !wanted;
    toggle.setAttribute("aria-expanded", String(wanted));
    if (wanted) (list.querySelector("[aria-selected=true]") ?? list.firstElementChild)?.focus();
  };
  const send = () => {
    open(false);
    toggle.focus();
    if (chosen.size < (item.min_values ?? 1)) return;
    use(toggle, message, "select", { custom_id: item.custom_id, values: [...chosen] });
  };
  const pick = (option, element) => {
    if (!several) chosen.clear();
    if (chosen.has(option.value)) chosen.delete(option.value);
    else if (chosen.size < (item.max_values ?? 1)) chosen.add(option.value);
    element.setAttribute("aria-selected", String(chosen.has(option.value)));
    describe();
    if (!several) send();
  };
  for (const option of options) {
    const element = el(
      "div",
      { className: "select-option", role: "option", tabIndex: -1, "aria-selected": String(chosen.has(option.value)) },
      option.emoji?.name && el("span", { className: "button-emoji" }, option.emoji.name),
      el("span", {}, el("b", {}, option.label), option.description && el("small", {}, option.description)),
      icon("check"),
    );
    element.addEventListener("click", () => pick(option, element));
    list.append(element);
  }
  toggle.addEventListener("click", () => open(list.hidden));
  list.addEventListener("keydown", (event) => {
    const items = [...list.children];
    const at = items.indexOf(document.activeElement);
    if (event.key === "ArrowDown") items[(at + 1) % items.length].focus();
    else if (event.key === "ArrowUp") items[(at - 1 + items.length) % items.length].focus();
    else if (event.key === " " || event.key === "Enter") items[at]?.click();
    else if (event.key === "Escape") {
      open(false);
      toggle.focus();
    } else return;
    event.preventDefault();
  });
  holder.addEventListener("focusout", (event) => {
    if (list.hidden || holder.contains(event.relatedTarget)) return;
    if (several) send();
    else open(false);
  });
  describe();
  return holder;
}

function people() {
  return Object.values(state.users).map((user) => ({ label: user.name, value: user.id }));
}
