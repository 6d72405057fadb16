/** Announces new messages and finished jobs to screen readers; progress is not announced. */

import { el } from "./dom.js";
import { markdown } from "./markdown.js";
import { on, person, state } from "./state.js";

const LOADING = 1 << 7;
const LENGTH = 240;
const KEPT = 5;

const region = document.getElementById("announcer");
/** The last announcement of a message, by its id. */
const told = new Map();

/**
 * Return what changes a message for good: its text when it arrives, its buttons, its cards. While
 * a job waits or runs, the bot edits only the text.
 */
function essence(message) {
  const buttons = message.components.flatMap((row) => row.components ?? []);
  return JSON.stringify([message.flags & LOADING, buttons.map((one) => one.custom_id ?? one.url), message.embeds]);
}

/** Return a text without markup and small print. */
function spoken(text) {
  const nodes = markdown(text).filter((node) => !node.classList?.contains("subtext"));
  const words = nodes.map((node) => el("span", {}, node).textContent);
  return words.join(" ").replace(/\s+/g, " ").trim();
}

function sentence(message) {
  const author = person(message.author.id)?.name ?? message.author.username;
  const words = spoken(message.content);
  const count = message.attachments.length;
  const cards = message.embeds.length;
  const kind = message.attachments.every(({ content_type: type }) => type?.startsWith("image/")) ? "picture" : "file";
  const files = count > 0 ? `${count} ${kind}${count === 1 ? "" : "s"}` : "";
  const framed = cards > 0 ? `${cards} ${cards === 1 ? "card" : "cards"}` : "";
  return `${author}: ${[words.slice(0, LENGTH), files, framed].filter(Boolean).join(", ")}`;
}

on("message", ({ message }) => {
  const now = essence(message);
  if (told.get(message.id) === now) return;
  told.set(message.id, now);
  const thinking = Boolean(message.flags & LOADING);
  if (thinking || message.channel_id !== state.channel || message.author.id === state.me) return;
  region.append(el("p", {}, sentence(message)));
  while (region.childElementCount > KEPT) region.firstElementChild.remove();
});
on("hello", () => {
  for (const messages of state.messages.values()) {
    for (const message of messages.values()) told.set(message.id, essence(message));
  }
});
on("channel", () => region.replaceChildren());
