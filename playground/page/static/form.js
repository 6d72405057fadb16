/** Modals: the forms that a bot opens. */

import { el, icon, write } from "./dom.js";
import { markdown } from "./markdown.js";
import { expect } from "./pending.js";
import { selectMenu } from "./selects.js";
import { act, state } from "./state.js";

/**
 * Open the form with which the bot answered an interaction; `values`, by custom id, replace what
 * its texts are filled with.
 */
export function openForm(interaction, modal, values = {}) {
  const fields = modal.components.map((row) => field(row, values));
  const problem = el("p", { className: "composer-problem", role: "alert", hidden: true });
  const close = () => dialog.close();
  const form = el(
    "form",
    { method: "dialog", noValidate: true },
    el(
      "header",
      {},
      el("h2", {}, modal.title),
      el("button", { className: "round", type: "button", "aria-label": "Close", onclick: close }, icon("close")),
    ),
    fields.map((one) => one.element),
    problem,
    el("p", { className: "form-note" }, "This form will be submitted to Darkroom. Do not share passwords or other sensitive information."),
    el(
      "footer",
      {},
      el("button", { className: "button secondary", type: "button", onclick: close }, "Cancel"),
      el("button", { className: "button primary", type: "submit" }, "Submit"),
    ),
  );
  const dialog = el("dialog", { className: "form", "aria-label": modal.title }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = fields.find((one) => one.problem());
    if (wrong) {
      wrong.focus();
      write(problem, `${wrong.label}: ${wrong.problem()}`);
      problem.hidden = false;
      return;
    }
    const filled = Object.fromEntries(fields.filter((one) => one.id).map((one) => [one.id, one.value()]));
    try {
      await expect(act("submit", { interaction, values: filled }), { channel: state.channel });
      dialog.close();
    } catch (error) {
      write(problem, error.message);
      problem.hidden = false;
    }
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  fields.find((one) => one.id)?.focus();
}

/** Make one field: { element, id, label, value(), problem(), focus() }; texts have no id. */
function field(row, values) {
  if (row.type === 10) return { element: el("p", { className: "form-text" }, markdown(row.content)), problem: () => null };
  const item = row.type === 18 ? row.component : row.components[0];
  const label = row.label ?? item.label;
  const required = item.required !== false;
  const control = item.type === 4 ? textInput({ ...item, value: values[item.custom_id] ?? item.value }, required) : chooser(item, label);
  const frame = item.type === 4 ? "label" : "div";
  return {
    id: item.custom_id,
    label,
    element: el(
      frame,
      { className: "form-field" },
      el("span", { className: "form-label" }, label, required && el("i", { "aria-hidden": "true" }, " *")),
      row.description && el("small", { className: "form-hint" }, row.description),
      control.element,
    ),
    value: control.value,
    problem: control.problem,
    focus: control.focus,
  };
}

function textInput(item, required) {
  const low = item.min_length ?? 0;
  const high = item.max_length ?? 4000;
  const paragraph = item.style === 2;
  const input = el(paragraph ? "textarea" : "input", {
    placeholder: item.placeholder ?? "",
    maxLength: high,
    required,
    rows: paragraph ? 4 : undefined,
    autocomplete: "off",
    dataset: { customId: item.custom_id },
  });
  input.value = item.value ?? "";
  const left = el("small", { className: "form-left", "aria-hidden": "true" });
  const count = () => {
    left.textContent = String(high - input.value.length);
  };
  input.addEventListener("input", count);
  count();
  return {
    // Discord counts down in the corner of a long text.
    element: el("span", { className: "form-input" }, input, paragraph && left),
    value: () => input.value,
    problem: () => {
      const { length } = input.value;
      if (length === 0) return required ? "This field is required." : null;
      return length < low || length > high ? `Between ${low} and ${high} characters; this has ${length}.` : null;
    },
    focus: () => input.focus(),
  };
}

function chooser(item, label) {
  // In a form, unlike in a message, a menu need not be used where it is not required.
  const menu = selectMenu(item.required === false ? { ...item, min_values: 0 } : item, label);
  return { element: menu.element, value: menu.values, problem: menu.problem, focus: menu.focus };
}
