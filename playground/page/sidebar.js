/** Channels on the left, people on the right, the person one acts as at the bottom, the banner. */

import { append, el, icon, write } from "./dom.js";
import { unpictured } from "./emoji.js";
import { personMenu } from "./apps.js";
import { portrait } from "./messages.js";
import { act, actAs, currentChannel, emit, on, person, show, state } from "./state.js";

const at = (id) => document.getElementById(id);

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
    toggleSidebar(false);
  };
  return el("button", { className: "channel", type: "button", onclick: open }, icon("at"), el("span", {}, bot.name));
}

function entry(channel) {
  const current = channel.id === state.channel;
  const go = () => {
    show(channel.id);
    toggleSidebar(false);
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
  at("members").replaceChildren(
    ...[...groups].sort((a, b) => rank(a) - rank(b)).map(([part, list]) => {
      const title = list.length === 1 && part !== "Apps" ? part.slice(0, -1) : part;
      return el("section", {}, el("h2", {}, `${title} — ${list.length}`), list.map(memberRow));
    }),
  );
}

function memberRow(user) {
  const present = user.bot ? state.bot.connected : true;
  const name = el("span", { className: "member-name" }, user.name);
  if (user.color) name.style.color = `#${user.color.toString(16).padStart(6, "0")}`;
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

function drawUserPanel() {
  const me = person(state.me);
  const panel = at("user-panel");
  const menu = el("div", { className: "person-menu", role: "menu", "aria-label": "Act as", hidden: true });
  const toggle = el(
    "button",
    { className: "me", type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": `Acting as ${me.name}, ${me.part}. Switch person` },
    el("span", { className: "presence" }, portrait(me, "portrait-medium"), el("i", { className: "dot" })),
    el("span", { className: "me-names" }, el("b", {}, me.name), el("small", {}, me.part)),
    icon("swap"),
  );
  const open = (wanted) => {
    menu.hidden = !wanted;
    toggle.setAttribute("aria-expanded", String(wanted));
    if (wanted) menu.querySelector("[aria-checked=true]")?.focus();
  };
  append(menu, [el("p", { className: "menu-title" }, "Act as")]);
  for (const user of state.people) {
    const choose = () => {
      open(false);
      if (user.id !== state.me) actAs(user.username);
      toggle.focus();
    };
    append(menu, [
      el(
        "button",
        { className: "person-choice", role: "menuitemradio", type: "button", "aria-checked": String(user.id === state.me), onclick: choose },
        portrait(user, "portrait-medium"),
        el("span", { className: "me-names" }, el("b", {}, user.name), el("small", {}, user.part)),
        icon("check"),
      ),
    ]);
  }
  append(menu, [settings()]);
  toggle.addEventListener("click", () => open(menu.hidden));
  menu.addEventListener("keydown", (event) => {
    if (event.target.tagName === "SELECT" && event.key !== "Escape") return;
    const items = [...menu.querySelectorAll("button, select, input")];
    const index = items.indexOf(document.activeElement);
    if (event.key === "ArrowDown") items[(index + 1) % items.length].focus();
    else if (event.key === "ArrowUp") items[(index - 1 + items.length) % items.length].focus();
    else if (event.key === "Escape") {
      open(false);
      toggle.focus();
    } else return;
    event.preventDefault();
  });
  panel.onfocusout = (event) => {
    if (!panel.contains(event.relatedTarget)) open(false);
  };
  const hadFocus = panel.contains(document.activeElement);
  panel.replaceChildren(menu, toggle);
  if (hadFocus) toggle.focus();
}

/** The settings of the person one acts as: the client's language, and who may write to them. */
function settings() {
  const names = new Intl.DisplayNames(["en"], { type: "language" });
  const language = el("select", { onchange: () => act("locale", { locale: language.value }) });
  append(language, state.locales.map((locale) => el("option", { value: locale, selected: locale === state.locale }, names.of(locale))));
  const takes = el("input", { type: "checkbox", checked: state.takes_direct_messages });
  takes.addEventListener("change", () => act("direct_messages", { taken: takes.checked }));
  return el(
    "div",
    { className: "settings" },
    el("label", {}, "Language", language),
    el("label", {}, "Take direct messages", takes),
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

function toggleSidebar(wanted) {
  at("sidebar").classList.toggle("open", wanted);
  at("menu-button").setAttribute("aria-expanded", String(at("sidebar").classList.contains("open")));
}

at("menu-button").addEventListener("click", () => toggleSidebar());
document.addEventListener("pointerdown", ({ target }) => {
  if (!at("sidebar").contains(target) && !at("menu-button").contains(target)) toggleSidebar(false);
});

on("hello", () => {
  drawChannels();
  drawTopbar();
  drawMembers();
  drawUserPanel();
  drawBanner();
});
on("channel", () => {
  drawChannels();
  drawTopbar();
});
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
