/** Modals: the forms that a bot opens. */

import { el, icon } from "./dom.js";
import { act, state } from "./state.js";
import { expect } from "./pending.js";

/** Open the form with which the bot answered an interaction. */
export function openForm(interaction, modal) {
  const fields = modal.components.map(field);
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
    const wrong = fields.find((one) => !one.valid());
    if (wrong) {
      wrong.focus();
      problem.textContent = `${wrong.label}: ${wrong.hint}`;
      problem.hidden = false;
      return;
    }
    const values = Object.fromEntries(fields.filter((one) => one.id).map((one) => [one.id, one.value()]));
    try {
      await expect(act("submit", { interaction, values }), { channel: state.channel });
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  fields.find((one) => one.id)?.focus();
}

function field(row) {
  if (row.type === 10) {
    return { element: el("p", {}, row.content), valid: () => true };
  }
  const item = row.type === 18 ? row.component : row.components[0];
  const label = row.label ?? item.label;
  const required = item.required !== false;
  const input = item.type === 3 ? chooser(item) : text(item);
  const low = Math.max(item.min_length ?? 0, required ? 1 : 0);
  const high = item.max_length ?? 4000;
  return {
    id: item.custom_id,
    label,
    hint: item.type === 3 ? "choose one" : `${low} to ${high} characters`,
    element: el(
      "label",
      { className: "form-field" },
      el("span", { className: "form-label" }, label, required && el("i", { "aria-label": "required" }, " *")),
      row.description && el("small", {}, row.description),
      input,
    ),
    value: () => input.value,
    valid: () => (!required && !input.value) || item.type === 3 || (input.value.length >= low && input.value.length <= high),
    focus: () => input.focus(),
  };
}

function text(item) {
  const input = el(item.style === 2 ? "textarea" : "input", {
    placeholder: item.placeholder ?? "",
    maxLength: item.max_length ?? 4000,
    rows: item.style === 2 ? 4 : undefined,
  });
  input.value = item.value ?? "";
  return input;
}

function chooser(item) {
  const options = item.options.map((option) =>
    el("option", { value: option.value, selected: option.default }, option.label),
  );
  return el("select", {}, options);
}
