/** Buttons and select menus under a message. */

import { el, icon } from "./dom.js";
import { expect } from "./pending.js";
import { emojiOf, selectMenu } from "./selects.js";
import { act, emit } from "./state.js";

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
    item.emoji && emojiOf(item.emoji),
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

/** Use a component; it shows a loading state until the bot responds. */
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
  const commit = (values, toggle) => use(toggle, message, "select", { custom_id: item.custom_id, values });
  return selectMenu(item, "", commit).element;
}
