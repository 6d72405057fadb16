/** Discord's markdown, as nodes. Text is only ever put into text nodes. */

import { el } from "./dom.js";
import { emit, person, state } from "./state.js";

const JUMP = /^https:\/\/(?:\w+\.)?discord\.com\/channels\/(\d+|@me)\/(\d+)(?:\/(\d+))?$/;

/** Inline patterns, tried in this order at every position; `inside` is what is marked up again. */
const INLINE = [
  [/^\\([^\w\s])/u, (m) => m[1]],
  [/^``(.+?)``(?!`)|^`([^`\n]+)`/s, (m) => el("code", { className: "inline" }, m[1] ?? m[2])],
  [/^<@!?(\d+)>/, (m) => mention(`@${person(m[1])?.name ?? "unknown-user"}`)],
  [/^<@&(\d+)>/, (m) => mention(`@${state.roles[m[1]]?.name ?? "unknown-role"}`)],
  [/^<#(\d+)>/, (m) => channelLink(m[1])],
  [/^<\/([^:>]{1,100}):\d+>/, (m) => mention(`/${m[1]}`)],
  [/^<t:(-?\d+)(?::([tTdDfFR]))?>/, (m) => time(Number(m[1]), m[2] ?? "f")],
  [/^<a?(:\w{2,32}:)\d+>/, (m) => m[1]],
  [/^@(everyone|here)\b/, (m) => mention(m[0])],
  [/^\[([^\]\n]+)\]\(<?(https?:\/\/[^\s)>]+)>?(?:\s+"[^"]*")?\)/, (m) => link(m[2], inline(m[1]))],
  [/^<(https?:\/\/[^\s>]+)>/, (m) => link(m[1], [m[1]])],
  [/^https?:\/\/[^\s<]+[^\s<.,:;"'\])}]/, (m) => link(m[0], [m[0]])],
  [/^\*\*\*(.+?)\*\*\*/s, (m) => el("em", {}, el("strong", {}, inline(m[1])))],
  [/^\*\*(.+?)\*\*(?!\*)/s, (m) => el("strong", {}, inline(m[1]))],
  [/^__(.+?)__(?!_)/s, (m) => el("u", {}, inline(m[1]))],
  [/^\*(?!\s)(.+?)(?<!\s)\*(?!\*)/s, (m) => el("em", {}, inline(m[1]))],
  [/^_(?!\s)(.+?)_(?!\w)/s, (m) => el("em", {}, inline(m[1]))],
  [/^~~(.+?)~~/s, (m) => el("s", {}, inline(m[1]))],
  [/^\|\|(.+?)\|\|/s, (m) => spoiler(inline(m[1]))],
];

function inline(text) {
  const nodes = [];
  let plain = "";
  let previous = "";
  while (text.length > 0) {
    const found = match(text, previous);
    if (found === null) {
      plain += text[0];
      previous = text[0];
      text = text.slice(1);
      continue;
    }
    if (plain) nodes.push(plain);
    plain = "";
    nodes.push(found.node);
    previous = found.length > 0 ? text[found.length - 1] : previous;
    text = text.slice(found.length);
  }
  if (plain) nodes.push(plain);
  return nodes;
}

function match(text, previous) {
  for (const [pattern, make] of INLINE) {
    const found = pattern.exec(text);
    // An underscore inside a word marks nothing up.
    if (found === null || (text[0] === "_" && /\w/.test(previous))) continue;
    return { node: make(found), length: found[0].length };
  }
  return null;
}

function mention(text) {
  return el("span", { className: "mention" }, text);
}

function channelLink(id) {
  const channel = state.channels.find((one) => one.id === id);
  if (!channel) return mention("#unknown");
  const go = () => emit("jump", { channel: id });
  return el("button", { className: "mention", type: "button", onclick: go }, `#${channel.name}`);
}

function link(url, children) {
  const jump = JUMP.exec(url);
  const channel = jump && state.channels.find((one) => one.id === jump[2]);
  if (channel) {
    const go = () => emit("jump", { channel: jump[2], message: jump[3] });
    const own = children.length === 1 && children[0] === url;
    const text = own ? [`# ${channel.name}`, jump[3] ? " › 💬" : ""] : children;
    return el("button", { className: own ? "mention" : "linklike", type: "button", onclick: go }, text);
  }
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, children);
}

function spoiler(children) {
  const reveal = (event) => {
    event.currentTarget.classList.add("revealed");
    event.currentTarget.removeAttribute("aria-label");
  };
  return el(
    "button",
    { className: "spoiler", type: "button", "aria-label": "Spoiler", onclick: reveal },
    el("span", {}, children),
  );
}

const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};
const UNITS = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** Say how far a time (in seconds since 1970) is from now, as "in 3 minutes" or "2 hours ago". */
export function relative(seconds) {
  const apart = seconds - Date.now() / 1000;
  const [unit, length] = UNITS.find(([, size]) => Math.abs(apart) >= size) ?? UNITS.at(-1);
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(apart / length), unit);
}

function time(seconds, style) {
  const date = new Date(seconds * 1000);
  const full = new Intl.DateTimeFormat("en-GB", STYLES.F).format(date);
  const node = el("time", { className: "timestamp", title: full, dateTime: date.toISOString() });
  node.textContent =
    style === "R" ? relative(seconds) : new Intl.DateTimeFormat("en-GB", STYLES[style]).format(date);
  if (style === "R") node.dataset.relative = String(seconds);
  return node;
}

setInterval(() => {
  for (const node of document.querySelectorAll("time[data-relative]")) {
    node.textContent = relative(Number(node.dataset.relative));
  }
}, 1000);

/** Render text with Discord's markdown: blocks first, then what is inside a line. */
export function markdown(text) {
  const nodes = [];
  const parts = text.split(/```(?:([\w+-]+)\n)?([\s\S]+?)```\n?/);
  for (let index = 0; index < parts.length; index += 3) {
    nodes.push(...lines(parts[index]));
    if (index + 2 < parts.length) {
      nodes.push(el("pre", {}, el("code", {}, parts[index + 2].replace(/^\n/, ""))));
    }
  }
  return nodes;
}

const BLOCKS = [
  [/^(#{1,3}) +(.+)$/, (m) => el(`h${m[1].length + 2}`, { className: `md-h${m[1].length}` }, inline(m[2]))],
  [/^-# +(.+)$/, (m) => el("small", { className: "subtext" }, inline(m[1]))],
  [/^> ?(.*)$/, (m) => el("blockquote", {}, inline(m[1]))],
  [/^(\s*)[-*] +(.+)$/, (m) => el("div", { className: "bullet" }, inline(m[2]))],
];

function lines(text) {
  const nodes = [];
  let paragraph = [];
  const flush = () => {
    if (paragraph.length > 0) nodes.push(...inline(paragraph.join("\n")));
    paragraph = [];
  };
  for (const line of text.split("\n")) {
    const block = BLOCKS.map(([pattern, make]) => [pattern.exec(line), make]).find(([m]) => m);
    if (!block) {
      paragraph.push(line);
      continue;
    }
    flush();
    nodes.push(block[1](block[0]));
  }
  flush();
  return nodes;
}
