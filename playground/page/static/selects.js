/** Select menus, in messages and in forms. */

import { el, icon, write } from "./dom.js";
import { state } from "./state.js";

const STRING = 3;
const USER = 5;
const ROLE = 6;
const MENTIONABLE = 7;
const GAP = 4;
const TALLEST = 260;

/** List what a menu offers: { label, value, description?, emoji?, default }. */
function offered(item) {
  if (item.type === STRING) return item.options;
  const preset = new Set((item.default_values ?? []).map(({ id }) => String(id)));
  const mark = (option) => ({ ...option, default: preset.has(option.value) });
  const people = () => Object.values(state.users).map((user) => mark({ label: user.name, value: user.id, description: `@${user.username}` }));
  const roles = () => Object.entries(state.roles).map(([id, { name }]) => mark({ label: `@${name.replace(/^@/, "")}`, value: id }));
  if (item.type === USER) return people();
  if (item.type === ROLE) return roles();
  if (item.type === MENTIONABLE) return [...people(), ...roles()];
  const types = item.channel_types ?? [];
  const fits = state.channels.filter((channel) => !channel.direct && (types.length === 0 || types.includes(channel.type)));
  return fits.map((channel) => mark({ label: `#${channel.name}`, value: channel.id }));
}

/** Show the emoji of a button or an option; one of a server's own is named as where it is unknown. */
export function emojiOf({ id, name }) {
  return el("span", { className: "button-emoji" }, id ? `:${name}:` : (name ?? ""));
}

/** Put the list over its menu or, where there is more room, under it. */
function put(list, toggle) {
  const box = toggle.getBoundingClientRect();
  const above = box.top - GAP;
  const below = innerHeight - box.bottom - GAP;
  const up = above >= list.scrollHeight || above > below;
  list.style.left = `${box.left}px`;
  list.style.width = `${box.width}px`;
  list.style.maxHeight = `${Math.min(TALLEST, (up ? above : below) - GAP)}px`;
  list.style.top = `${up ? box.top - GAP - list.offsetHeight : box.bottom + GAP}px`;
}

/**
 * Make a select menu: { element, values(), problem() }. `commit(values, toggle)` is called when
 * something else was chosen: at once in a menu of one value, and when a menu of several closes.
 */
export function selectMenu(item, label, commit = () => {}) {
  const options = offered(item);
  const low = item.min_values ?? 1;
  const high = item.max_values ?? 1;
  const several = high > 1;
  const chosen = new Set(options.filter((option) => option.default).map((option) => option.value));
  let sent = [...chosen].join("\n");
  const summary = el("span", { className: "select-summary" });
  const toggle = el(
    "button",
    {
      className: "select",
      type: "button",
      disabled: item.disabled,
      "aria-label": label,
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      dataset: { customId: item.custom_id },
    },
    summary,
    icon("down"),
  );
  const name = label || item.placeholder || "Options";
  const kind = options.length > 0 ? { role: "listbox", "aria-multiselectable": several } : { role: "group" };
  const list = el("div", { className: "select-list", "aria-label": name, tabIndex: -1, hidden: true, ...kind });
  const element = el("div", { className: "select-holder" }, toggle, list);
  const values = () => options.map((option) => option.value).filter((value) => chosen.has(value));
  const problem = () => {
    if (chosen.size >= low && chosen.size <= high) return null;
    return low === high ? `Choose ${low}.` : `Choose between ${low} and ${high}.`;
  };

  const describe = () => {
    const labels = options.filter((option) => chosen.has(option.value)).map((option) => option.label);
    const text = labels.join(", ") || item.placeholder || "Make a selection";
    write(summary, text);
    summary.classList.toggle("placeholder", labels.length === 0);
    toggle.setAttribute("aria-label", [label, text].filter(Boolean).join(": "));
  };
  const finish = () => {
    const now = values().join("\n");
    if (problem() || now === sent) return;
    sent = now;
    commit(values(), toggle);
  };
  const follow = () => put(list, toggle);
  const open = () => {
    list.hidden = false;
    put(list, toggle);
    toggle.setAttribute("aria-expanded", "true");
    addEventListener("scroll", follow, true);
    (list.querySelector("[aria-selected=true]") ?? list.querySelector("[role=option]") ?? list).focus();
  };
  const shut = () => {
    if (list.hidden) return;
    removeEventListener("scroll", follow, true);
    list.hidden = true;
    toggle.setAttribute("aria-expanded", "false");
    finish();
  };
  const pick = (option, row) => {
    const had = chosen.has(option.value);
    if (!several) {
      chosen.clear();
      for (const other of list.children) other.setAttribute("aria-selected", "false");
    }
    if (had && (several || low === 0)) chosen.delete(option.value);
    else if (chosen.size < high) chosen.add(option.value);
    row.setAttribute("aria-selected", String(chosen.has(option.value)));
    describe();
    if (several) return;
    toggle.focus();
    shut();
  };
  for (const option of options) {
    const row = el(
      "div",
      { className: "select-option", role: "option", tabIndex: -1, "aria-selected": String(chosen.has(option.value)) },
      option.emoji && emojiOf(option.emoji),
      el("span", {}, el("b", {}, option.label), option.description && el("small", {}, option.description)),
      icon("check"),
    );
    row.addEventListener("click", () => pick(option, row));
    list.append(row);
  }
  if (options.length === 0) list.append(el("p", { className: "popup-empty" }, "There is nothing to choose from."));
  toggle.addEventListener("click", () => (list.hidden ? open() : shut()));
  list.addEventListener("keydown", (event) => {
    const rows = [...list.querySelectorAll("[role=option]")];
    const at = rows.indexOf(document.activeElement);
    if (event.key === "ArrowDown") rows[(at + 1) % rows.length]?.focus();
    else if (event.key === "ArrowUp") rows.at(Math.max(at, 0) - 1)?.focus();
    else if (event.key === "Home") rows[0]?.focus();
    else if (event.key === "End") rows.at(-1)?.focus();
    else if (event.key === " " || event.key === "Enter") rows[at]?.click();
    else if (event.key === "Escape") toggle.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") shut();
  });
  element.addEventListener("focusout", (event) => {
    if (!element.contains(event.relatedTarget)) shut();
  });
  describe();
  return { element, values, problem, focus: () => toggle.focus() };
}
