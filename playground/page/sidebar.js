/** Channels on the left, people on the right, the person one acts as at the bottom, the banner. */

import { append, el, icon } from "./dom.js";
import { portrait } from "./messages.js";
import { actAs, currentChannel, on, person, show, state } from "./state.js";

const at = (id) => document.getElementById(id);

function drawChannels() {
  at("server-name").textContent = state.guild.name;
  at("server-icon").src = `/cdn/icons/${state.guild.id}/portrait.png`;
  const groups = [
    ["Text channels", state.channels.filter((channel) => !channel.direct)],
    ["Direct messages", state.channels.filter((channel) => channel.direct)],
  ];
  at("channels").replaceChildren(
    ...groups
      .filter(([, channels]) => channels.length > 0)
      .map(([title, channels]) =>
        el("section", {}, el("h2", {}, title), el("ul", {}, channels.map((channel) => el("li", {}, entry(channel))))),
      ),
  );
}

function entry(channel) {
  const current = channel.id === state.channel;
  const go = () => {
    show(channel.id);
    toggleSidebar(false);
  };
  return el(
    "button",
    { className: "channel", type: "button", onclick: go, "aria-current": current ? "page" : null },
    icon(channel.direct ? "at" : "hash"),
    el("span", {}, channel.name),
  );
}

function drawTopbar() {
  const channel = currentChannel();
  at("topbar-mark").replaceChildren(icon(channel?.direct ? "at" : "hash"));
  at("topbar-name").textContent = channel?.name ?? "";
  at("topbar-topic").textContent = channel?.topic ?? "";
  document.title = channel ? `${channel.direct ? "@" : "#"}${channel.name} | ${state.guild.name}` : "Darkroom";
}

function drawMembers() {
  const users = Object.values(state.users);
  const groups = new Map();
  for (const user of users) {
    const part = user.bot ? "Apps" : `${user.part}s`;
    groups.set(part, [...(groups.get(part) ?? []), user]);
  }
  const order = ["Owners", "Moderators", "Members", "Apps"];
  const rank = ([part]) => (order.includes(part) ? order.indexOf(part) : 1);
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
  return el(
    "div",
    { className: present ? "member" : "member absent" },
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
  toggle.addEventListener("click", () => open(menu.hidden));
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll("button")];
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
  banner.replaceChildren(el("span", { className: "spinner", "aria-hidden": "true" }), text);
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
on("bot", () => {
  drawBanner();
  if (state.loaded) drawMembers();
});
