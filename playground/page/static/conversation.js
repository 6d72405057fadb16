/** The list of messages of the channel on show. */

import { el, icon } from "./dom.js";
import { begins, dots, MessageView, nameOf, portrait, shownAs } from "./messages.js";
import { waiting } from "./pending.js";
import { currentChannel, on, person, show, state } from "./state.js";
import { welcome } from "./welcome.js";

const scroller = document.getElementById("scroller");
const list = document.getElementById("messages");
const toPresent = document.getElementById("to-present");
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "long" });

let views = new Map();
let shownChannel = null;
/** Failures that belong to no message: { key, channel, command, text }. */
let failures = [];
let atEnd = true;

function draw() {
  const channel = currentChannel();
  if (!channel) {
    list.replaceChildren();
    return;
  }
  if (shownChannel !== channel.id) {
    views = new Map();
    shownChannel = channel.id;
    atEnd = true;
  }
  const nodes = [fixture(`welcome ${channel.id} ${channel.name}`, () => welcome(channel))];
  let previous = null;
  for (const message of messagesOf(channel.id).map(shownAs)) {
    if (!previous || !sameDay(previous, message)) nodes.push(divider(message));
    if (!views.has(message.id)) views.set(message.id, new MessageView(message));
    const view = views.get(message.id);
    view.update(message, !previous || !sameDay(previous, message) || begins(message, previous));
    nodes.push(view.element);
    previous = message;
  }
  for (const id of views.keys()) {
    if (!state.messages.get(channel.id)?.has(id)) views.delete(id);
  }
  nodes.push(...notices(channel));
  replace(nodes);
  settle();
}

function messagesOf(channelId) {
  const messages = [...(state.messages.get(channelId)?.values() ?? [])];
  return messages.sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
}

/** Put the nodes in order, touching only what moved, so that focus and pictures stay. */
function replace(nodes) {
  const keep = new Set(nodes);
  for (const child of [...list.children]) {
    if (!keep.has(child)) child.remove();
  }
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
}

const fixtures = new Map();

/** Create a node once and reuse it as long as `key` is requested. */
function fixture(key, make) {
  if (!fixtures.has(key)) fixtures.set(key, make());
  return fixtures.get(key);
}

function sameDay(one, other) {
  return new Date(one.timestamp).toDateString() === new Date(other.timestamp).toDateString();
}

function divider(message) {
  const day = DAY.format(new Date(message.timestamp));
  return fixture(`day ${shownChannel} ${day}`, () => el("div", { className: "divider", role: "separator" }, el("span", {}, day)));
}

function notices(channel) {
  const nodes = [];
  const keys = new Set();
  for (const [id, about] of waiting) {
    if (!about.command || about.channel !== channel.id) continue;
    keys.add(`sending ${id}`);
    nodes.push(fixture(`sending ${id}`, () => notice(about, el("span", { className: "thinking" }, dots(), "Sending command…"))));
  }
  for (const failure of failures.filter((one) => one.channel === channel.id)) {
    keys.add(failure.key);
    nodes.push(fixture(failure.key, () => failed(failure)));
  }
  for (const key of fixtures.keys()) {
    if (/^(sending|failed) /.test(key) && !keys.has(key)) fixtures.delete(key);
  }
  return nodes;
}

function notice(about, ...content) {
  const me = person(state.me);
  const bot = Object.values(state.users).find((user) => user.bot);
  return el(
    "article",
    { className: "message first private notice" },
    about.command && el("div", { className: "message-above" }, el("div", { className: "reply-line" }, portrait(me, "portrait-small"), nameOf(me), " used ", el("span", { className: "mention" }, about.used ?? `/${about.command}`))),
    el("div", { className: "message-body" }, el("div", { className: "message-header" }, portrait(bot), el("div", { className: "byline" }, nameOf(bot))), el("div", { className: "message-content" }, content)),
  );
}

function failed(failure) {
  const dismiss = () => {
    failures = failures.filter((one) => one !== failure);
    draw();
  };
  return notice(
    failure,
    el("div", { className: "failure", role: "alert" }, failure.text),
    el("div", { className: "only-you" }, icon("eye"), "Only you can see this · ", el("button", { className: "linklike", type: "button", onclick: dismiss }, "Dismiss message")),
  );
}

let count = 0;

function fail(about) {
  const view = about.message && views.get(about.message.id);
  if (view) {
    view.fail(about.text);
  } else {
    count += 1;
    const { command, used, text } = about;
    failures.push({ key: `failed ${count}`, channel: about.channel ?? state.channel, command, used, text });
    draw();
  }
}

/** Stay scrolled to the end if the reader is there. */
function settle() {
  if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  toPresent.hidden = atEnd;
}

scroller.addEventListener("scroll", () => {
  atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
  toPresent.hidden = atEnd;
});
new ResizeObserver(settle).observe(scroller);
new ResizeObserver(settle).observe(list);
toPresent.addEventListener("click", () => {
  atEnd = true;
  settle();
});

function jump({ channel, message }) {
  if (channel !== state.channel) show(channel);
  const view = views.get(message);
  if (!view) return;
  view.element.scrollIntoView({ block: "center" });
  view.element.focus({ preventScroll: true });
  view.element.classList.remove("pointed-at");
  requestAnimationFrame(() => view.element.classList.add("pointed-at"));
}

/** Go to the end, as after writing something. */
export function toEnd() {
  atEnd = true;
  settle();
}

for (const kind of ["hello", "message", "message_deleted", "channel", "pending"]) on(kind, draw);
on("hello", () => {
  failures = [];
});
on("failed", fail);
on("jump", jump);
on("resized", settle);
