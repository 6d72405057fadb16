/** One option of a command in the message box: its name and a box for its value. */

import { bytes, el, icon, write } from "./dom.js";
import { ATTACHMENT, check, expectation, fixedChoices } from "./commandline.js";
import { state } from "./state.js";

function world() {
  const roles = Object.entries(state.roles).map(([id, role]) => ({ id, name: role.name }));
  return { people: Object.values(state.users), roles, channels: state.channels.filter((one) => !one.direct) };
}

/** Make a box that grows with its text. */
export function growing(properties) {
  const input = el("textarea", {
    rows: 1,
    spellcheck: false,
    autocomplete: "off",
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "picker-list",
    "aria-autocomplete": "list",
    ...properties,
  });
  const grow = () => {
    if (CSS.supports("field-sizing", "content")) return;
    input.cols = Math.max(4, Math.min(60, input.value.length + 1));
    input.rows = Math.max(1, Math.ceil(input.value.length / 60));
  };
  input.addEventListener("input", grow);
  input.grow = grow;
  return input;
}

/** An option that is being filled in. */
export class Field {
  constructor(option) {
    this.option = option;
    this.choices = fixedChoices(option, world());
    this.chosen = null;
    this.file = null;
    const label = `${option.name}: ${option.description}`;
    this.input = option.type === ATTACHMENT ? this.upload(label) : growing({ className: "chip-input", "aria-label": label });
    const name = el("span", { className: "chip-name", "aria-hidden": "true" }, option.name);
    this.element = el("span", { className: "chip", dataset: { option: option.name } }, name, this.input);
    this.element.addEventListener("mousedown", (event) => {
      if (event.target !== this.element && event.target !== name) return;
      event.preventDefault();
      this.focus();
    });
  }

  get takesText() {
    return this.option.type !== ATTACHMENT;
  }

  get text() {
    return this.takesText ? this.input.value : (this.file?.name ?? "");
  }

  set text(value) {
    if (!this.takesText) return;
    this.input.value = value;
    this.input.grow();
  }

  get empty() {
    return this.text.trim() === "";
  }

  focus() {
    this.input.focus();
    if (this.takesText) this.input.setSelectionRange(this.text.length, this.text.length);
  }

  /** Take one of the offered choices. */
  choose(choice) {
    this.chosen = choice;
    this.text = choice.name;
    this.complain(null);
  }

  /** Whether the value is one of the choices, so that nothing is left to choose. */
  get settled() {
    return this.chosen?.name === this.text || (this.choices !== null && "value" in check(this.option, this.text, this.choices));
  }

  /** The fixed choices that fit what was typed; all of them when nothing is left to choose. */
  fitting() {
    const typed = this.text.trim().toLowerCase().replace(/^[@#]/, "");
    if (typed === "" || this.settled) return this.choices;
    return this.choices.filter((choice) => `${choice.name} ${choice.detail ?? ""}`.toLowerCase().includes(typed));
  }

  /** Give { value } or { problem }. */
  result() {
    if (!this.takesText) {
      if (this.file === null) return { problem: "Choose a file." };
      if (this.file.size > state.attachment_size_limit) {
        return { problem: `This file has ${bytes(this.file.size)}; at most ${bytes(state.attachment_size_limit)}.` };
      }
      return { value: this.file };
    }
    if (this.chosen?.name === this.text) return { value: this.chosen.value };
    return check(this.option, this.text, this.choices);
  }

  /** Show that the value is wrong, or with null that it is not. */
  complain(problem) {
    this.element.classList.toggle("wrong", problem !== null);
    this.input.setAttribute("aria-invalid", String(problem !== null));
  }

  upload(label) {
    const hidden = el("input", { type: "file", hidden: true, tabIndex: -1 });
    const text = el("span", {}, "Choose a file");
    const button = el("button", { className: "chip-file", type: "button", "aria-label": `${label} (${expectation(this.option)})` }, icon("file"), text, hidden);
    const take = (file) => {
      if (!file) return;
      this.file = file;
      write(text, `${file.name} (${bytes(file.size)})`);
      this.complain(null);
    };
    hidden.addEventListener("change", () => {
      take(hidden.files[0]);
      button.focus();
    });
    hidden.addEventListener("click", (event) => event.stopPropagation());
    button.addEventListener("click", () => hidden.click());
    button.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
    button.addEventListener("dragover", (event) => event.preventDefault());
    button.addEventListener("drop", (event) => {
      event.preventDefault();
      take(event.dataTransfer.files[0]);
    });
    return button;
  }
}
