/** Channels on the left, people on the right, the bar above, the banner. */

import { append, el, icon, inRoleColour, write } from "./dom.js";
import { Drawer } from "./drawer.js";
import { unpictured } from "./emoji.js";
import { personMenu } from "./apps.js";
import { portrait } from "./messages.js";
import { drawPerson } from "./person.js";
import { act, currentChannel, emit, on, show, state } from "./state.js";

const at = (id) => document.getElementById(id);
const channels = new Drawer(at("sidebar"), at("menu-button"));
const members = new Drawer(at("members"), at("members-button"));

function drawChannels() {
  write(at("server-name"), state.guild.name);
  at("server-icon").src = `/cdn/icons/${state.guild.id}/portrait.png`;
  const texts = state.channels.filter((channel) => !channel.direct && !channel.parent);
  const direct = state.channels.filter((channel) => channel.direct);
  const rows = texts.flatMap((channel) => [channel, ...state.channels.filter((thread) => thread.parent === channel.id)]);
  const section = (title, entries) => el("section", {}, el("h2", {}, title), el("ul", {}, entries.map((one) => el("li", {}, one))));
  at("channels").replaceChildren(
    section("Text channels", rows.map(entry)),
    section("Direct messages", direct.length > 0 ? direct.map(entry) : [conversationOpener()]),
  );
}

/** Begins the direct messages with the bot, where there are none yet. */
function conversationOpener() {
  const bot = Object.values(state.users).find((user) => user.bot);
  const open = async () => {
    show((await act("message_bot", {})).id);
    channels.close();
  };
  return el("button", { className: "channel", type: "button", onclick: open }, icon("at"), el("span", {}, bot.name));
}

function entry(channel) {
  const current = channel.id === state.channel;
  const go = () => {
    show(channel.id);
    channels.close();
  };
  const unread = state.unread.has(channel.id);
  const look = ["channel", channel.parent && "threaded", unread && "unread"].filter(Boolean).join(" ");
  return el(
    "button",
    { className: look, type: "button", onclick: go, "aria-current": current ? "page" : null },
    icon(shapeOf(channel)),
    el("span", { className: "channel-name" }, channel.name),
    channel.nsfw && !channel.parent && adults(),
    unread && el("span", { className: "unread-mark", role: "img", "aria-label": "unread" }),
  );
}

function shapeOf(channel) {
  if (channel?.direct) return "at";
  return channel?.parent ? "thread" : "hash";
}

/** The mark of an age-restricted channel. */
function adults() {
  return el("span", { className: "adults", title: "Age-restricted" }, "18+");
}

function drawTopbar() {
  const channel = currentChannel();
  at("topbar-mark").replaceChildren(icon(shapeOf(channel)));
  write(at("topbar-name"), channel?.name ?? "");
  const parent = channel?.parent && state.channels.find((one) => one.id === channel.parent);
  const topic = [channel?.nsfw && adults(), parent ? `Thread in #${parent.name}` : channel?.topic].filter(Boolean);
  at("topbar-topic").replaceChildren();
  append(at("topbar-topic"), topic);
  at("delete-thread").hidden = !(parent && channel.may_manage_threads);
  document.title = channel ? unpictured(`${channel.direct ? "@" : "#"}${channel.name} | ${state.guild.name}`) : "Darkroom";
}

at("delete-thread").append(icon("trash"));
at("menu-button").append(icon("menu"));
at("members-button").append(icon("people"));
for (const button of document.querySelectorAll(".drawer-close")) button.append(icon("close"));
at("delete-thread").addEventListener("click", () => {
  const channel = currentChannel();
  act("delete_thread", { channel: channel.id })
    .then(() => show(channel.parent))
    .catch((problem) => emit("failed", { channel: channel.id, text: problem.message }));
});

function drawMembers() {
  const users = Object.values(state.users);
  const groups = new Map();
  for (const user of users) {
    const part = user.bot ? "Apps" : `${user.part}s`;
    groups.set(part, [...(groups.get(part) ?? []), user]);
  }
  const order = ["Owners", "Moderators", "Members", "Apps"];
  const rank = ([part]) => (order.includes(part) ? order.indexOf(part) : 1.5);
  at("member-list").replaceChildren(
    ...[...groups].sort((a, b) => rank(a) - rank(b)).map(([part, list]) => {
      const title = list.length === 1 && part !== "Apps" ? part.slice(0, -1) : part;
      return el("section", {}, el("h2", {}, `${title} — ${list.length}`), list.map(memberRow));
    }),
  );
}

function memberRow(user) {
  const present = user.bot ? state.bot.connected : true;
  const name = el("span", { className: "member-name" }, user.name);
  inRoleColour(name, user.color);
  const open = (event) => {
    event.preventDefault();
    personMenu(event, user);
  };
  return el(
    "button",
    { className: present ? "member" : "member absent", type: "button", "aria-haspopup": "menu", onclick: open, oncontextmenu: open },
    el("span", { className: "presence" }, portrait(user, "portrait-medium"), el("i", { className: present ? "dot" : "dot off" })),
    name,
    user.bot && el("span", { className: "tag" }, "APP"),
  );
}

function drawBanner() {
  const banner = at("banner");
  const { connected, ready, seen } = state.bot;
  const text = !state.live
    ? "The playground does not answer. Trying again…"
    : !connected && seen
      ? "Darkroom is offline. It can be used again when it is back."
      : !connected || !ready
        ? "Darkroom is starting…"
        : "";
  banner.hidden = text === "" || !state.loaded;
  if (banner.dataset.text === text) return;
  banner.dataset.text = text;
  banner.replaceChildren(el("span", { className: "spinner", "aria-hidden": "true" }));
  append(banner, [text]);
}

on("hello", () => {
  drawChannels();
  drawTopbar();
  drawMembers();
  drawPerson();
  drawBanner();
});
on("channel", () => {
  drawChannels();
  drawTopbar();
  members.close();
});
on("pending", () => members.close());
let unreadDrawn = "";
on("message", () => {
  const unread = [...state.unread].join();
  if (unread !== unreadDrawn) drawChannels();
  unreadDrawn = unread;
});
on("bot", () => {
  drawBanner();
  if (state.loaded) drawMembers();
});
