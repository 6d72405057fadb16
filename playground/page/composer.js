/** The message box: plain text, or a command whose options are filled in one by one. */

import { el, icon } from "./dom.js";
import { expectation, leaves, mainOption, recognise, split } from "./commandline.js";
import { toEnd } from "./conversation.js";
import { Field, growing } from "./field.js";
import { expect } from "./pending.js";
import { Picker } from "./picker.js";
import { act, currentChannel, on, Problem, state, usableCommands } from "./state.js";

const box = document.getElementById("composer-box");
const problemLine = document.getElementById("problem");
const picker = new Picker(document.getElementById("picker"));

const input = growing({ className: "composer-text", id: "composer", "aria-label": "Message" });
const commandButton = el("button", { className: "send", type: "button", "aria-label": "Use a command", title: "Use a command", onclick: () => compose({ text: "/" }) }, icon("slash"));
const sendButton = el("button", { className: "send", type: "button", "aria-label": "Send", title: "Send" }, icon("send"));
/** Finds further options by name, at the end of a command. */
const more = growing({ className: "chip-more", "aria-label": "Add an option" });

/** The command being filled in (null in plain text), its fields, and what was sent last. */
let leaf = null;
let fields = [];
let lastLine = "";
let question = 0;

const known = () => leaves(usableCommands());

function complain(text, field = null) {
  problemLine.textContent = text ?? "";
  problemLine.hidden = !text;
  for (const one of fields) one.complain(one === field ? text : null);
}

/* ---- plain text ---------------------------------------------------------------------------- */

function toText(text = "") {
  leaf = null;
  fields = [];
  input.value = text;
  input.grow();
  box.replaceChildren(commandButton, input, sendButton);
  describeBox();
}

function describeBox() {
  const channel = currentChannel();
  if (!channel) return;
  input.disabled = !channel.may_send && usableCommands().length === 0;
  const place = `${channel.direct ? "@" : "#"}${channel.name}`;
  input.placeholder = channel.may_send ? `Message ${place} — type / for commands` : `You may not write in ${place}`;
}

/** See whether the line is a command by now, and offer the ones it may become. */
function readLine() {
  complain(null);
  const line = input.value;
  if (!line.startsWith("/") || line.includes("\n\n")) {
    picker.hide();
    return;
  }
  const found = recognise(line, known());
  if (found !== null && found.rest !== "") {
    toCommand(found.leaf, split(found.rest, found.leaf.options, mainOption(found.leaf)));
    return;
  }
  offerCommands(line.slice(1).toLowerCase());
}

function offerCommands(typed) {
  const ranked = known()
    .map((one) => ({ one, at: one.label.indexOf(typed.trimEnd()) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => Number(a.at > 0) - Number(b.at > 0));
  picker.show({
    title: "Commands",
    hint: "↑ ↓ to move, Enter to choose",
    items: ranked.map(({ one }) => ({
      label: `/${one.label}`,
      detail: one.description,
      badge: "Darkroom",
      choose: () => toCommand(one, []),
    })),
    active: 0,
    empty: state.bot.ready ? "No command begins like this." : "Darkroom is starting. Its commands appear here in a moment.",
    input,
  });
}

input.addEventListener("input", readLine);
input.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const { key } = event;
  if ((key === "ArrowDown" && picker.move(1)) || (key === "ArrowUp" && picker.move(-1))) event.preventDefault();
  else if (key === "ArrowUp" && input.value === "" && lastLine) {
    event.preventDefault();
    input.value = lastLine;
    readLine();
  } else if (key === "Tab" && !event.shiftKey && picker.accept()) event.preventDefault();
  else if (key === "Escape") picker.hide();
  else if (key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    if (!picker.accept()) send();
  }
});

/* ---- a command ----------------------------------------------------------------------------- */

/** Begin a command with what is already known of its options: [option, text] pairs. */
function toCommand(command, pairs) {
  picker.hide();
  complain(null);
  leaf = command;
  fields = leaf.options.filter((option) => option.required).map(newField);
  drawCommand();
  fill(pairs);
  const next = pairs.length > 0 ? fieldOf(pairs.at(-1)[0]) : fields[0];
  if (next) next.focus();
  else more.focus();
}

function newField(option) {
  const field = new Field(option);
  field.input.addEventListener("keydown", (event) => fieldKey(event, field));
  field.input.addEventListener("focus", () => offerFor(field));
  field.input.addEventListener("input", () => readField(field));
  return field;
}

function drawCommand() {
  const name = el("span", { className: "chip-command" }, `/${leaf.label}`);
  const cancel = el("button", { className: "cancel", type: "button", "aria-label": "Cancel command", title: "Cancel", onclick: cancelCommand }, icon("close"));
  more.value = "";
  box.replaceChildren(el("div", { className: "chips" }, name, fields.map((field) => field.element), more), cancel, sendButton);
  drawMore();
}

function unused() {
  return leaf.options.filter((option) => !fieldOf(option));
}

function fieldOf(option) {
  return fields.find((field) => field.option.name === option.name);
}

function drawMore() {
  const left = unused().length;
  // Something must hold the focus even in a command without options.
  more.hidden = left === 0 && fields.length > 0;
  more.readOnly = left === 0;
  more.placeholder = left > 0 ? `+${left} ${left === 1 ? "option" : "options"}` : "Enter sends it";
  more.setAttribute("aria-label", left > 0 ? "Add an option" : `Send /${leaf.label} with Enter`);
}

function addField(option) {
  const known = fieldOf(option);
  if (known) return known;
  const field = newField(option);
  fields.push(field);
  box.querySelector(".chips").insertBefore(field.element, more);
  more.value = "";
  drawMore();
  return field;
}

function removeField(field) {
  const at = fields.indexOf(field);
  fields.splice(at, 1);
  field.element.remove();
  drawMore();
  (fields[at - 1] ?? fields[0])?.focus();
}

function fill(pairs) {
  for (const [option, text] of pairs) {
    const field = addField(option);
    field.text = text;
    field.chosen = null;
  }
}

/** Take apart what was typed or pasted when it names further options, as in `apple count:2`. */
function readField(field) {
  complain(null);
  field.chosen = null;
  const pairs = split(field.text, unused(), null);
  if (pairs.length > 0) {
    const lead = field.text.search(new RegExp(`(^|\\s)${pairs[0][0].name}:`, "u"));
    field.text = field.text.slice(0, lead).trimEnd();
    fill(pairs);
    fieldOf(pairs.at(-1)[0]).focus();
    return;
  }
  offerFor(field);
}

/** Offer what can go into a field. */
async function offerFor(field) {
  question += 1;
  const mine = question;
  const { option } = field;
  const extras = unused().map((one) => ({ label: one.name, title: one.description, choose: () => addField(one).focus() }));
  const frame = { title: option.name, hint: [option.description.replace(/^…$/, ""), expectation(option)].filter(Boolean).join(" — "), extras, input: field.input };
  const pick = (choice) => ({
    label: choice.name,
    detail: choice.detail,
    choose: () => {
      field.choose(choice);
      field.focus();
      picker.hide();
    },
  });
  if (option.autocomplete) {
    if (field.settled) {
      picker.show(frame);
      return;
    }
    picker.show({ ...frame, empty: "Loading options…" });
    const choices = await suggestions(field);
    if (mine !== question || document.activeElement !== field.input) return;
    picker.show({ ...frame, items: choices.map(pick), active: 0, empty: "Nothing found." });
  } else if (field.choices !== null) {
    const typed = field.text.trim().toLowerCase().replace(/^[@#]/, "");
    const open = field.settled || typed === "";
    const fits = field.choices.filter((choice) => open || `${choice.name} ${choice.detail ?? ""}`.toLowerCase().includes(typed));
    picker.show({ ...frame, items: fits.map(pick), active: field.settled ? -1 : 0, empty: "Nothing here is called that." });
  } else {
    picker.show(frame);
  }
}

async function suggestions(field) {
  const options = {};
  for (const other of fields) {
    const { value } = other === field || other.empty ? {} : other.result();
    if (value !== undefined && !(value instanceof File)) options[other.option.name] = value;
  }
  try {
    const orders = { channel: state.channel, command: leaf.label, option: field.option.name, typed: field.text, options };
    return (await act("autocomplete", orders)).choices;
  } catch (problem) {
    complain(problem.message, field);
    return [];
  }
}

function fieldKey(event, field) {
  if (event.isComposing) return;
  const { key } = event;
  if (key === "ArrowDown" || key === "ArrowUp") {
    if (picker.move(key === "ArrowDown" ? 1 : -1)) event.preventDefault();
  } else if (key === "Tab" && !event.shiftKey) {
    if (!field.settled) picker.accept();
    const next = fields[fields.indexOf(field) + 1];
    if (!next && more.hidden) return;
    event.preventDefault();
    if (next) next.focus();
    else more.focus();
  } else if (key === "Tab") {
    const before = fields[fields.indexOf(field) - 1];
    if (!before) return;
    event.preventDefault();
    before.focus();
  } else if (key === "Enter" && field.takesText && !event.shiftKey) {
    event.preventDefault();
    if (field.settled || !picker.accept()) send();
  } else if (key === "Escape") {
    event.preventDefault();
    if (picker.open) picker.hide();
    else cancelCommand();
  } else if (key === "Backspace" && field.empty) {
    event.preventDefault();
    if (!field.option.required) removeField(field);
    else if (fields.every((one) => one.empty)) backToText();
  }
}

function backToText() {
  const name = leaf.label;
  toText(`/${name}`);
  input.focus();
  offerCommands(name);
}

function cancelCommand() {
  picker.hide();
  complain(null);
  toText();
  input.focus();
}

/* ---- further options ----------------------------------------------------------------------- */

function offerOptions() {
  if (more.readOnly) {
    picker.show({ title: `/${leaf.label}`, hint: leaf.description, input: more });
    return;
  }
  const typed = more.value.trim().toLowerCase().replace(/:$/, "");
  const fits = unused().filter((option) => option.name.includes(typed));
  picker.show({
    title: "Options",
    hint: "Type a name, or ↑ ↓ and Enter",
    items: fits.map((option) => ({ label: option.name, detail: option.description, choose: () => addField(option).focus() })),
    active: typed === "" ? -1 : 0,
    empty: "No option is called that.",
    input: more,
  });
}

more.addEventListener("focus", offerOptions);
more.addEventListener("input", () => {
  complain(null);
  const pairs = split(more.value, unused(), null);
  if (pairs.length > 0) {
    fill(pairs);
    fieldOf(pairs.at(-1)[0]).focus();
  } else {
    offerOptions();
  }
});
more.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const { key } = event;
  if (key === "ArrowDown" || key === "ArrowUp") {
    if (picker.move(key === "ArrowDown" ? 1 : -1)) event.preventDefault();
  } else if (key === "Tab" && !event.shiftKey) {
    if (picker.accept()) event.preventDefault();
  } else if (key === "Enter") {
    event.preventDefault();
    if (picker.accept()) return;
    if (more.value.trim() === "") send();
    else complain(`There is no option “${more.value.trim()}”.`);
  } else if (key === "Escape") {
    picker.hide();
  } else if ((key === "Backspace" || (key === "Tab" && event.shiftKey)) && more.value === "" && fields.length > 0) {
    event.preventDefault();
    fields.at(-1).focus();
  } else if (key === "Backspace" && more.value === "") {
    event.preventDefault();
    backToText();
  }
});

/* ---- sending ------------------------------------------------------------------------------- */

function asLine() {
  const given = fields.filter((field) => field.takesText && !field.empty);
  return [`/${leaf.label}`, ...given.map((field) => `${field.option.name}:${field.text.trim()}`)].join(" ");
}

async function send() {
  complain(null);
  if (leaf !== null) await sendCommand();
  else if (input.value.startsWith("/")) sendUnknown();
  else if (input.value.trim() !== "") await sendText();
}

function sendUnknown() {
  const found = recognise(input.value.trim(), known());
  if (found !== null) {
    toCommand(found.leaf, []);
    return;
  }
  const name = input.value.split(/\s/)[0];
  complain(state.bot.ready ? `There is no command ${name} that you can use here.` : `Darkroom is starting: ${name} cannot be used yet.`);
}

async function sendText() {
  const content = input.value;
  toText();
  input.focus();
  try {
    await act("send", { channel: state.channel, content });
    toEnd();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (leaf === null && input.value === "") toText(content);
    complain(problem.message);
  }
}

async function sendCommand() {
  const options = {};
  for (const field of fields) {
    if (field.empty && !field.option.required) continue;
    const { value, problem } = field.result();
    if (problem) {
      field.focus();
      complain(`${field.option.name}: ${problem}`, field);
      return;
    }
    options[field.option.name] = value;
  }
  const sent = { leaf, fields, line: asLine() };
  // The box is free at once for what comes next; what was refused comes back into it.
  toText();
  input.focus();
  picker.hide();
  try {
    await expect(act("slash", { channel: state.channel, command: sent.leaf.label, options }), {
      command: sent.leaf.label,
      channel: state.channel,
    });
    lastLine = sent.line;
    toEnd();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    takeBack(sent, problem);
  }
}

function takeBack(sent, problem) {
  const field = sent.fields.find((one) => one.option.name === problem.option);
  if (leaf === null && input.value === "") {
    ({ leaf, fields } = sent);
    drawCommand();
    (field ?? fields[0])?.focus();
  }
  complain(field ? `${field.option.name}: ${problem.message}` : problem.message, field);
}

sendButton.addEventListener("click", () => {
  send();
});

box.addEventListener("focusout", (event) => {
  if (!box.contains(event.relatedTarget)) picker.hide();
});

/** Follow what the bot's commands are now. */
function refresh() {
  if (leaf === null) {
    describeBox();
    if (document.activeElement === input && input.value.startsWith("/")) readLine();
    return;
  }
  const same = known().find((one) => one.label === leaf.label);
  if (same) leaf = { ...leaf, ...same };
  else if (state.bot.ready) toText(asLine());
}

function compose({ text }) {
  toText(text);
  input.focus();
  readLine();
}

on("hello", () => {
  refresh();
  if (document.activeElement === document.body) input.focus();
});
on("bot", refresh);
on("commands", refresh);
on("channel", () => {
  refresh();
  (leaf === null ? input : (fields[0]?.input ?? more)).focus();
});
on("compose", compose);

/** Typing anywhere writes into the message box. */
document.addEventListener("keydown", (event) => {
  const typing = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && event.key !== " ";
  const elsewhere = !["INPUT", "TEXTAREA", "SELECT"].includes(document.activeElement?.tagName);
  const busy = document.querySelector("dialog[open], .person-menu:not([hidden]), .select-list:not([hidden])");
  if (typing && elsewhere && leaf === null && !busy) input.focus();
});

toText();

