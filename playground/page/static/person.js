/** The current person, at the lower left, with a switch to others and the person's settings. */

import { append, el, icon } from "./dom.js";
import { APPEARANCES, appear, appearance } from "./appearance.js";
import { portrait } from "./messages.js";
import { act, actAs, person, state } from "./state.js";

const panel = document.getElementById("user-panel");

/** Redraw the panel. */
export function drawPerson() {
  const me = person(state.me);
  const people = el("div", { role: "menu", "aria-labelledby": "act-as" }, state.people.map((user) => choice(user, leave)));
  const menu = el(
    "div",
    { className: "person-menu", role: "dialog", "aria-label": "Person and settings", hidden: true },
    el("p", { className: "menu-title", id: "act-as" }, "Act as"),
    people,
    settings(),
  );
  const toggle = el(
    "button",
    { className: "me", type: "button", "aria-haspopup": "dialog", "aria-expanded": "false" },
    el("span", { className: "presence" }, portrait(me, "portrait-medium"), el("i", { className: "dot" })),
    el("span", { className: "me-names" }, el("b", {}, unseen("Acting as "), me.name, unseen(",")), el("small", {}, me.part, unseen(". Switch person"))),
    icon("swap"),
  );
  const open = (wanted) => {
    menu.hidden = !wanted;
    toggle.setAttribute("aria-expanded", String(wanted));
    if (wanted) menu.querySelector("[aria-checked=true]")?.focus();
  };
  function leave() {
    open(false);
    toggle.focus();
  }
  toggle.addEventListener("click", () => open(menu.hidden));
  menu.addEventListener("keydown", (event) => {
    if (event.target.tagName === "SELECT" && event.key !== "Escape") return;
    const items = [...menu.querySelectorAll("button, select, input")];
    const index = items.indexOf(document.activeElement);
    if (event.key === "ArrowDown") items[(index + 1) % items.length].focus();
    else if (event.key === "ArrowUp") items[(index - 1 + items.length) % items.length].focus();
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  panel.onfocusout = (event) => {
    if (!panel.contains(event.relatedTarget)) open(false);
  };
  const hadFocus = panel.contains(document.activeElement);
  panel.replaceChildren(menu, toggle);
  if (hadFocus) toggle.focus();
}

const unseen = (text) => el("span", { className: "unseen" }, text);

function choice(user, leave) {
  const choose = () => {
    leave();
    if (user.id !== state.me) actAs(user.username);
  };
  return el(
    "button",
    { className: "person-choice", role: "menuitemradio", type: "button", "aria-checked": String(user.id === state.me), onclick: choose },
    portrait(user, "portrait-medium"),
    el("span", { className: "me-names" }, el("b", {}, user.name), el("small", {}, user.part)),
    icon("check"),
  );
}

/** How the page looks, the client's language, and who may write to the person. */
function settings() {
  const names = new Intl.DisplayNames(["en"], { type: "language" });
  const looks = el("select", { onchange: () => appear(looks.value) });
  append(looks, Object.entries(APPEARANCES).map(([value, label]) => el("option", { value, selected: value === appearance() }, label)));
  const language = el("select", { onchange: () => act("locale", { locale: language.value }) });
  append(language, state.locales.map((locale) => el("option", { value: locale, selected: locale === state.locale }, names.of(locale))));
  const takes = el("input", { type: "checkbox", checked: state.takes_direct_messages });
  takes.addEventListener("change", () => act("direct_messages", { taken: takes.checked }));
  return el(
    "div",
    { className: "settings" },
    el("label", {}, "Appearance", looks),
    el("label", {}, "Language", language),
    el("label", {}, "Take direct messages", takes),
  );
}
