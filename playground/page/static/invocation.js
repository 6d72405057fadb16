/** A command being filled in: its name, its options one after the other, and a way to add more. */

import { el, icon } from "./dom.js";
import { expectation, split } from "./commandline.js";
import { Field, growing } from "./field.js";
import { act, state } from "./state.js";

/**
 * The chips of one command. `house` is the message box around it: its `picker`, and the functions
 * `complain(text, field)`, `send()` and `leave(text)`, which goes back to plain text.
 */
export class Invocation {
  constructor(leaf, house) {
    this.leaf = leaf;
    this.house = house;
    this.question = 0;
    this.fields = [];
    /** Finds further options by name; it also holds the focus where there are none. */
    this.more = growing({ className: "chip-more", "aria-label": "Add an option" });
    this.more.addEventListener("focus", () => this.offerOptions());
    this.more.addEventListener("input", () => this.readMore());
    this.more.addEventListener("keydown", (event) => this.moreKey(event));
    const name = el("span", { className: "chip-command" }, `/${leaf.label}`);
    this.chips = el("div", { className: "chips" }, name, this.more);
    this.cancel = el(
      "button",
      { className: "cancel", type: "button", "aria-label": "Cancel command", title: "Cancel", onclick: () => house.leave("") },
      icon("close"),
    );
    for (const option of leaf.options) {
      if (option.required) this.add(option);
    }
    this.drawMore();
  }

  /** Fill in [option, text] pairs and go to the last of them, or to the first option. */
  begin(pairs) {
    this.fill(pairs);
    const next = pairs.length > 0 ? this.fieldOf(pairs.at(-1)[0].name) : this.fields[0];
    if (next) next.focus();
    else this.more.focus();
  }

  focus() {
    if (this.fields.length > 0) this.fields[0].focus();
    else this.more.focus();
  }

  fieldOf(name) {
    return this.fields.find((field) => field.option.name === name);
  }

  unused() {
    return this.leaf.options.filter((option) => !this.fieldOf(option.name));
  }

  add(option) {
    const existing = this.fieldOf(option.name);
    if (existing) return existing;
    const field = new Field(option);
    field.input.addEventListener("keydown", (event) => this.fieldKey(event, field));
    field.input.addEventListener("focus", () => this.offerFor(field));
    field.input.addEventListener("input", () => this.readField(field));
    this.fields.push(field);
    this.chips.insertBefore(field.element, this.more);
    this.more.value = "";
    this.drawMore();
    return field;
  }

  remove(field) {
    const at = this.fields.indexOf(field);
    this.fields.splice(at, 1);
    field.element.remove();
    this.drawMore();
    const before = this.fields[at - 1] ?? this.fields[0];
    if (before) before.focus();
    else this.more.focus();
  }

  fill(pairs) {
    for (const [option, text] of pairs) {
      const field = this.add(option);
      field.text = text;
      field.chosen = null;
    }
  }

  /** Write it as the line that would give it again; files are left out. */
  line() {
    const given = this.fields.filter((field) => field.takesText && !field.empty);
    return [`/${this.leaf.label}`, ...given.map((field) => `${field.option.name}:${field.text.trim()}`)].join(" ");
  }

  /** Collect the options' values: { options }, or { field, problem } for the first wrong one. */
  values() {
    const options = {};
    for (const field of this.fields) {
      if (field.empty && !field.option.required) continue;
      const { value, problem } = field.result();
      if (problem) return { field, problem };
      options[field.option.name] = value;
    }
    return { options };
  }

  /** Split typed or pasted text that names further options, as in `apple count:2`. */
  readField(field) {
    this.house.complain(null);
    field.chosen = null;
    const pairs = split(field.text, this.unused(), null);
    if (pairs.length === 0) {
      this.offerFor(field);
      return;
    }
    const lead = field.text.search(new RegExp(`(^|\\s)${pairs[0][0].name}:`, "u"));
    field.text = field.text.slice(0, lead).trimEnd();
    this.begin(pairs);
  }

  fieldKey(event, field) {
    if (event.isComposing) return;
    const { picker } = this.house;
    const at = this.fields.indexOf(field);
    const { key, shiftKey } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      if (!picker.move(key === "ArrowDown" ? 1 : -1)) return;
    } else if (key === "Tab" && !shiftKey) {
      if (!field.settled) picker.accept();
      const next = this.fields[at + 1];
      if (!next && this.more.hidden) return;
      (next ?? this.more).focus();
    } else if (key === "Tab") {
      if (at === 0) return;
      this.fields[at - 1].focus();
    } else if (key === "Enter" && field.takesText && !shiftKey) {
      if (field.settled || !picker.accept()) this.house.send();
    } else if (key === "Escape") {
      if (picker.open) picker.hide();
      else this.house.leave("");
    } else if (key === "Backspace" && field.empty) {
      if (!field.option.required) this.remove(field);
      else if (this.fields.every((one) => one.empty)) this.house.leave(`/${this.leaf.label}`);
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Offer what can go into a field. */
  async offerFor(field) {
    this.question += 1;
    const mine = this.question;
    const { option } = field;
    const { picker } = this.house;
    const frame = {
      title: option.name,
      hint: [option.description.replace(/^…$/, ""), expectation(option)].filter(Boolean).join(" — "),
      extras: this.unused().map((one) => ({ label: one.name, title: one.description, choose: () => this.add(one).focus() })),
      input: field.input,
    };
    if (option.autocomplete && !field.settled) {
      picker.show({ ...frame, empty: "Loading options…" });
      const choices = await this.suggestions(field);
      if (mine !== this.question || document.activeElement !== field.input) return;
      picker.show({ ...frame, items: this.rows(field, choices), active: 0, empty: "Nothing found." });
    } else if (field.choices !== null) {
      const items = this.rows(field, field.fitting());
      picker.show({ ...frame, items, active: field.settled ? -1 : 0, empty: "Nothing here is called that." });
    } else {
      picker.show(frame);
    }
  }

  rows(field, choices) {
    return choices.map((choice) => ({
      label: choice.name,
      detail: choice.detail,
      choose: () => {
        field.choose(choice);
        field.focus();
        this.house.picker.hide();
      },
    }));
  }

  async suggestions(field) {
    const options = {};
    for (const other of this.fields) {
      const { value } = other === field || other.empty ? {} : other.result();
      if (value !== undefined && !(value instanceof File)) options[other.option.name] = value;
    }
    const orders = { channel: state.channel, command: this.leaf.label, option: field.option.name, typed: field.text, options };
    try {
      return (await act("autocomplete", orders)).choices;
    } catch (problem) {
      this.house.complain(problem.message, field);
      return [];
    }
  }

  drawMore() {
    const left = this.unused().length;
    const { more } = this;
    // Something must hold the focus even in a command without options.
    more.hidden = left === 0 && this.fields.length > 0;
    more.readOnly = left === 0;
    more.placeholder = left > 0 ? `+${left} ${left === 1 ? "option" : "options"}` : "Enter sends it";
    more.setAttribute("aria-label", left > 0 ? "Add an option" : `Send /${this.leaf.label} with Enter`);
  }

  offerOptions() {
    const { picker } = this.house;
    if (this.more.readOnly) {
      picker.show({ title: `/${this.leaf.label}`, hint: this.leaf.description, input: this.more });
      return;
    }
    const typed = this.more.value.trim().toLowerCase();
    const fits = this.unused().filter((option) => option.name.includes(typed));
    picker.show({
      title: "Options",
      hint: "Type a name, or ↑ ↓ and Enter",
      items: fits.map((option) => ({ label: option.name, detail: option.description, choose: () => this.add(option).focus() })),
      active: typed === "" ? -1 : 0,
      empty: "No option is called that.",
      input: this.more,
    });
  }

  readMore() {
    this.house.complain(null);
    const pairs = split(this.more.value, this.unused(), null);
    if (pairs.length > 0) this.begin(pairs);
    else this.offerOptions();
  }

  moreKey(event) {
    if (event.isComposing) return;
    const { picker } = this.house;
    const { key, shiftKey } = event;
    const empty = this.more.value.trim() === "";
    if (key === "ArrowDown" || key === "ArrowUp") {
      if (!picker.move(key === "ArrowDown" ? 1 : -1)) return;
    } else if (key === "Tab" && !shiftKey) {
      if (!picker.accept()) return;
    } else if (key === "Enter") {
      if (picker.accept()) this.house.complain(null);
      else if (empty) this.house.send();
      else this.house.complain(`There is no option “${this.more.value.trim()}”.`);
    } else if (key === "Escape") {
      if (picker.open) picker.hide();
      else this.house.leave("");
    } else if ((key === "Backspace" || key === "Tab") && empty) {
      if (this.fields.length > 0) this.fields.at(-1).focus();
      else if (key === "Backspace") this.house.leave(`/${this.leaf.label}`);
      else return;
    } else {
      return;
    }
    event.preventDefault();
  }
}
