/** One message as it is shown, changed in place part by part. */

import { append, el, icon, inRoleColour, letGo } from "./dom.js";
import { rows } from "./components.js";
import { pictured } from "./emoji.js";
import { embedded } from "./embeds.js";
import { drawable, gallery } from "./gallery.js";
import { markdown } from "./markdown.js";
import { messageMenu, personMenu, remove } from "./apps.js";
import { aboutWords } from "./model.js";
import { currentChannel, emit, person, state } from "./state.js";
import { threadBox, threadSize } from "./threads.js";

const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
const STARTER = 21;
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const FULL = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short" });
const SHORT = new Intl.DateTimeFormat("en-GB", { dateStyle: "short", timeStyle: "short" });

/** Write a time as Discord does beside a name. */
function written(date) {
  const today = new Date();
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return `Today at ${CLOCK.format(date)}`;
  if (days === 1) return `Yesterday at ${CLOCK.format(date)}`;
  return SHORT.format(date);
}

/** Tell whether a message needs its author's portrait and name above it. */
export function begins(message, previous) {
  if (!previous || message.interaction_metadata || message.message_reference) return true;
  const apart = new Date(message.timestamp) - new Date(previous.timestamp);
  const private_ = (message.flags ^ previous.flags) & EPHEMERAL;
  return message.author.id !== previous.author.id || apart > 7 * 60_000 || private_ !== 0;
}

export function portrait(user, className = "portrait") {
  return el("img", { className, src: user.avatar ?? `/cdn/avatars/${user.id}/portrait.png`, alt: "", draggable: false });
}

export function nameOf(author) {
  const known = person(author.id);
  const name = el("span", { className: "name" }, known?.name ?? author.global_name ?? author.username);
  return inRoleColour(name, known?.color);
}

/** A button over somebody's name or portrait that opens their menu. */
export function whose(user, shown, properties = {}) {
  if (!user) return shown;
  const open = (event) => {
    event.preventDefault();
    personMenu(event, user);
  };
  return el("button", { className: "whose", type: "button", "aria-haspopup": "menu", onclick: open, oncontextmenu: open, ...properties }, shown);
}

function tag() {
  return el("span", { className: "tag", title: "App" }, icon("check"), "APP");
}

/** What is shown of a message: at the beginning of a thread, the one that it hangs from. */
export function shownAs(message) {
  const original = message.referenced_message;
  if (message.type !== STARTER || !original) return message;
  const { author, content, attachments, embeds, timestamp } = original;
  return { ...message, author, content, attachments, embeds, timestamp, message_reference: null, components: [] };
}

/** A message on the page. */
export class MessageView {
  constructor(message) {
    this.parts = {};
    this.drawn = {};
    this.body = el("div", { className: "message-body" });
    this.tools = el("div", { className: "message-tools" });
    this.element = el("article", { className: "message", tabIndex: -1, dataset: { id: message.id } });
    for (const part of ["above", "header", "content", "attachments", "embeds", "components", "note", "thread", "private", "failure"]) {
      this.parts[part] = el("div", { className: `message-${part}` });
    }
    const { above, ...inside } = this.parts;
    this.body.append(...Object.values(inside));
    this.element.append(above, this.body, this.tools);
    this.failure = null;
    this.element.addEventListener("contextmenu", (event) => {
      // Links and selected text keep the browser's own menu.
      if (event.target.closest("a, input, textarea") || !getSelection().isCollapsed || event.defaultPrevented) return;
      if (this.message.flags & EPHEMERAL) return;
      event.preventDefault();
      messageMenu(event, this.message);
    });
  }

  /** Draw what changed. `first` is whether it begins a group of its author's messages. */
  update(message, first) {
    this.message = message;
    const thinking = Boolean(message.flags & LOADING);
    const isPrivate = Boolean(message.flags & EPHEMERAL);
    this.element.classList.toggle("first", first);
    this.element.classList.toggle("private", isPrivate);
    this.element.classList.toggle("pings-me", pingsMe(message));
    const about = [first, message.interaction_metadata, message.referenced_message?.content, message.referenced_message?.id];
    this.part("above", [about, Boolean(message.message_reference)], () => above(message));
    this.part("header", [first, message.timestamp, state.users[message.author.id]], () => header(message, first));
    this.part("content", [message.content, thinking, message.edited_timestamp], () => content(message, thinking));
    this.part("embeds", message.embeds, () => message.embeds.map(embedded), true);
    this.part("attachments", message.attachments, () => gallery(message.attachments), true);
    this.part("components", [message.components], () => rows(message));
    this.part("note", [message.content, message.attachments.length], () => aboutWords(message));
    this.part("thread", message.thread && [message.thread, threadSize(message.thread)], () => message.thread && threadBox(message.thread));
    this.part("private", isPrivate, () => isPrivate && dismissal(message));
    this.part("failure", this.failure, () => this.failure && el("span", { role: "alert" }, this.failure));
    const mayRemove = currentChannel()?.may_manage || message.author.id === state.me;
    const loose = isPrivate || message.type === STARTER;
    this.part("tools", [mayRemove, loose], () => !loose && tools(this, mayRemove));
  }

  /** Say that using one of the message's components failed. */
  fail(text) {
    this.failure = text;
    this.update(this.message, this.element.classList.contains("first"));
    clearTimeout(this.forgetting);
    this.forgetting = setTimeout(() => {
      this.failure = null;
      this.update(this.message, this.element.classList.contains("first"));
    }, 8000);
  }

  /**
   * Draw one part again if what it shows has changed. Pictures are loaded before they replace
   * the old ones, so that a picture that comes up step by step does not flicker; what is being
   * pressed stays until it is let go, for a click needs the same element at its beginning and end.
   */
  part(name, shows, draw, pictures = false) {
    const key = JSON.stringify(shows ?? null);
    if (this.drawn[name] === key) return;
    const before = this.drawn[name];
    this.drawn[name] = key;
    const holder = name === "tools" ? this.tools : this.parts[name];
    const fresh = el("div");
    append(fresh, [draw()]);
    const swap = () => {
      if (this.drawn[name] !== key) return;
      const focused = holder.contains(document.activeElement) ? document.activeElement.dataset.customId : null;
      holder.replaceChildren(...fresh.childNodes);
      if (focused) holder.querySelector(`[data-custom-id="${CSS.escape(focused)}"]`)?.focus();
      emit("resized");
    };
    const swapOnceLetGo = () => (holder.querySelector(":active") ? letGo().then(swap) : swap());
    if (pictures && before !== undefined && holder.querySelector("img") && fresh.querySelector("img")) {
      drawable(fresh).then(swapOnceLetGo);
    } else {
      swapOnceLetGo();
    }
  }
}

function pingsMe(message) {
  return message.mention_everyone || message.mentions.some((user) => user.id === state.me);
}

function above(message) {
  const by = message.interaction_metadata;
  const command = by?.type === 2 && by.name && !message.message_reference;
  if (command) {
    return el(
      "div",
      { className: "reply-line" },
      portrait(person(by.user.id) ?? by.user, "portrait-small"),
      nameOf(by.user),
      " used ",
      el("span", { className: "mention" }, by.command_type === 1 ? `/${by.name}` : by.name),
    );
  }
  if (!message.message_reference) return null;
  const original = message.referenced_message;
  if (!original) return el("div", { className: "reply-line" }, el("i", {}, "Original message was deleted"));
  const snippet = original.content.split("\n")[0] || (original.attachments.length > 0 ? "Click to see attachment" : "Click to see message");
  const go = () => emit("jump", { channel: message.channel_id, message: original.id });
  const who = by && by.type !== 2 && el("span", { className: "reply-by" }, nameOf(by.user), " used a button on ");
  return el(
    "div",
    { className: "reply-line" },
    who || portrait(person(original.author.id) ?? original.author, "portrait-small"),
    nameOf(original.author),
    el("button", { className: "reply-snippet", type: "button", onclick: go, title: "Go to the original message" }, markdown(snippet.slice(0, 160))),
  );
}

function header(message, first) {
  const date = new Date(message.timestamp);
  const time = { dateTime: message.timestamp, title: FULL.format(date) };
  if (!first) return el("time", { className: "side-time", ...time }, CLOCK.format(date));
  const author = person(message.author.id);
  return [
    whose(author, portrait(author ?? message.author), { tabIndex: -1, "aria-hidden": "true" }),
    el(
      "div",
      { className: "byline" },
      whose(author, nameOf(message.author), { "aria-label": `${nameOf(message.author).textContent}: profile and apps` }),
      message.author.bot && tag(),
      el("time", { className: "time", ...time }, written(date)),
    ),
  ];
}

function content(message, thinking) {
  if (thinking) {
    return el("div", { className: "thinking" }, dots(), el("span", {}, `${nameOf(message.author).textContent} is thinking…`));
  }
  if (!message.content) return null;
  const edited = message.edited_timestamp && !message.interaction_metadata;
  return el(
    "div",
    { className: onlyEmoji(message.content) ? "markup jumbo" : "markup" },
    markdown(message.content),
    edited && el("small", { className: "edited" }, " (edited)"),
  );
}

/** Whether a message is a few emoji and nothing else, which are then large. */
function onlyEmoji(text) {
  const parts = pictured(text.trim());
  return parts.length <= 30 && parts.every((part) => typeof part !== "string" || part.trim() === "");
}

export function dots() {
  return el("span", { className: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
}

function dismissal(message) {
  const dismiss = () => remove(message);
  return el(
    "div",
    { className: "only-you" },
    icon("eye"),
    "Only you can see this · ",
    el("button", { className: "linklike", type: "button", onclick: dismiss }, "Dismiss message"),
  );
}

function tools(view, mayRemove) {
  const open = (event) => messageMenu(event, view.message);
  return [
    el("button", { type: "button", "aria-label": "More", "aria-haspopup": "menu", title: "More", onclick: open }, icon("more")),
    mayRemove &&
      el("button", { className: "removal", type: "button", "aria-label": "Delete message", title: "Delete message", onclick: () => remove(view.message) }, icon("trash")),
  ];
}
