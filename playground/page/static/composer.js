/** The message box: plain text, or a command whose options are filled in one by one. */

import { el, icon, write } from "./dom.js";
import { leaves, mainOption, recognise, split } from "./commandline.js";
import { toEnd } from "./conversation.js";
import { growing } from "./field.js";
import { Invocation } from "./invocation.js";
import { expect } from "./pending.js";
import { Picker } from "./picker.js";
import { act, currentChannel, on, Problem, state, usableCommands } from "./state.js";

const box = document.getElementById("composer-box");
const problemLine = document.getElementById("problem");
const picker = new Picker(document.getElementById("picker"));

const input = growing({ className: "composer-text", id: "composer", "aria-label": "Message" });
const commandButton = tool("slash", "Use a command", () => compose({ text: "/" }));
const sendButton = tool("send", "Send", () => send());

const NARROW = matchMedia("(width < 760px)");
/** Where a finger writes, focus brings up a keyboard over half the page. */
const FINGER = matchMedia("(pointer: coarse)");

/** The command being filled in (null in plain text), and the last one that was sent. */
let invocation = null;
let lastLine = "";

function tool(shape, label, onclick) {
  return el("button", { className: "send", type: "button", "aria-label": label, title: label, onclick }, icon(shape));
}

const known = () => leaves(usableCommands());

function complain(text, field = null) {
  write(problemLine, text ?? "");
  problemLine.hidden = !text;
  for (const one of invocation?.fields ?? []) one.complain(one === field ? text : null);
}

/** Go to plain text. */
function toText(text = "") {
  invocation = null;
  input.value = text;
  input.grow();
  box.replaceChildren(commandButton, input, sendButton);
  describeBox();
}

function describeBox() {
  const channel = currentChannel();
  input.disabled = !channel || (!channel.may_send && usableCommands().length === 0);
  if (!channel) return; // nobody has said yet where we are
  const place = `${channel.direct ? "@" : channel.parent ? "" : "#"}${channel.name}`;
  const hint = NARROW.matches ? "" : " — type / for commands";
  input.placeholder = channel.may_send ? `Message ${place}${hint}` : `You may not write in ${place}`;
}

/** Check whether the line is a command, and suggest matching ones. */
function readLine() {
  complain(null);
  const line = input.value;
  if (!line.startsWith("/")) {
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
    .map((leaf) => ({ leaf, at: leaf.label.indexOf(typed.trimEnd()) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => Number(a.at > 0) - Number(b.at > 0));
  picker.show({
    title: "Commands",
    hint: "↑ ↓ to move, Enter to choose",
    items: ranked.map(({ leaf }) => ({
      label: `/${leaf.label}`,
      detail: leaf.description,
      badge: "Darkroom",
      choose: () => toCommand(leaf, []),
    })),
    active: 0,
    empty: state.bot.ready ? "No command begins like this." : "Darkroom is starting. Its commands appear here in a moment.",
    input,
  });
}

input.addEventListener("input", readLine);
input.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const { key, shiftKey } = event;
  if (key === "ArrowUp" && input.value === "" && lastLine) {
    input.value = lastLine;
    readLine();
  } else if (key === "ArrowDown" || key === "ArrowUp") {
    if (!picker.move(key === "ArrowDown" ? 1 : -1)) return;
  } else if (key === "Tab" && !shiftKey) {
    if (!picker.accept()) return;
  } else if (key === "Escape") {
    picker.hide();
  } else if (key === "Enter" && !shiftKey) {
    if (!picker.accept()) send();
  } else {
    return;
  }
  event.preventDefault();
});

/** Start a command with the options known so far: [option, text] pairs. */
function toCommand(leaf, pairs) {
  picker.hide();
  complain(null);
  show(new Invocation(leaf, { picker, complain, send, leave }));
  invocation.begin(pairs);
}

function show(shown) {
  invocation = shown;
  box.replaceChildren(shown.chips, shown.cancel, sendButton);
}

function leave(text) {
  picker.hide();
  complain(null);
  toText(text);
  input.focus();
  if (text) readLine();
}

async function send() {
  complain(null);
  if (invocation !== null) await sendCommand();
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
    if (invocation === null && input.value === "") toText(content);
    complain(problem.message);
  }
}

async function sendCommand() {
  const sent = invocation;
  const { options, field, problem } = sent.values();
  if (problem) {
    field.focus();
    complain(`${field.option.name}: ${problem}`, field);
    return;
  }
  // Clear the box at once for the next message; a refused one is put back.
  leave("");
  const about = { command: sent.leaf.label, channel: state.channel };
  try {
    await expect(act("slash", { ...about, options }), about);
    lastLine = sent.line();
    toEnd();
  } catch (refusal) {
    if (!(refusal instanceof Problem)) throw refusal;
    takeBack(sent, refusal);
  }
}

function takeBack(sent, refusal) {
  const field = sent.fieldOf(refusal.option);
  if (invocation === null && input.value === "") {
    show(sent);
    (field ?? sent).focus();
  }
  complain(field ? `${field.option.name}: ${refusal.message}` : refusal.message, field);
}

/** The link that skips to the message box leads to the box itself. */
box.addEventListener("focus", () => (invocation ?? input).focus());
box.addEventListener("focusout", (event) => {
  if (!box.contains(event.relatedTarget)) picker.hide();
});

/** Update to the bot's current commands. */
function refresh() {
  if (invocation === null) {
    describeBox();
    if (document.activeElement === input && input.value.startsWith("/")) readLine();
    return;
  }
  const usable = known().some((leaf) => leaf.label === invocation.leaf.label);
  if (!usable && state.bot.ready) toText(invocation.line());
}

function compose({ text }) {
  toText(text);
  input.focus();
  readLine();
}

on("hello", () => {
  refresh();
  if (document.activeElement === document.body && !FINGER.matches) input.focus();
});
on("bot", refresh);
on("commands", refresh);
on("channel", () => {
  refresh();
  if (FINGER.matches) return;
  if (invocation === null) input.focus();
  else invocation.focus();
});
on("compose", compose);

/** Typing anywhere writes into the message box. */
document.addEventListener("keydown", (event) => {
  const typing = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && event.key !== " ";
  const elsewhere = !["INPUT", "TEXTAREA", "SELECT"].includes(document.activeElement?.tagName);
  const busy = document.querySelector("dialog[open], .popup, .person-menu:not([hidden]), .select-list:not([hidden])");
  if (typing && elsewhere && invocation === null && !busy) input.focus();
});

NARROW.addEventListener("change", describeBox);

toText();
