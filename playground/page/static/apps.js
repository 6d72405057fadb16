/** The menus of messages and of people, with the bot's commands for them. */

import { el } from "./dom.js";
import { openMenu } from "./menu.js";
import { portrait } from "./messages.js";
import { expect } from "./pending.js";
import { act, commandsOfType, currentChannel, emit, show, state } from "./state.js";
import { askForThread } from "./threads.js";

const ON_PERSON = 2;
const ON_MESSAGE = 3;

function appsFor(type, target) {
  return {
    title: "Apps",
    items: commandsOfType(type).map((command) => ({ label: command.name, detail: "Darkroom", choose: () => use(command, target) })),
    empty: state.bot.ready ? "No app has anything for this." : "Darkroom is starting.",
  };
}

async function use(command, target) {
  const about = { used: command.name, command: command.name, channel: state.channel };
  try {
    await expect(act("menu", { command: command.name, channel: state.channel, ...target }), about);
  } catch (problem) {
    emit("failed", { ...about, text: problem.message });
  }
}

/** Delete or dismiss a message. */
export function remove(message) {
  act("delete", { message: message.id }).catch((problem) => emit("failed", { message, text: problem.message }));
}

/** Open a message's menu. */
export function messageMenu(where, message) {
  const channel = currentChannel();
  const own = message.author.id === state.me;
  const copy = () => navigator.clipboard?.writeText(message.content);
  openMenu(where, {
    label: "Message",
    groups: [
      {
        items: [
          channel.may_thread && !message.thread && { label: "Create thread", shape: "thread", choose: () => askForThread(message) },
          message.content && { label: "Copy text", shape: "file", choose: copy },
        ].filter(Boolean),
      },
      appsFor(ON_MESSAGE, { message: message.id }),
      { items: channel.may_manage || own ? [{ label: "Delete message", shape: "trash", danger: true, choose: () => remove(message) }] : [] },
    ],
  });
}

/** Open a person's menu. */
export function personMenu(where, user) {
  const roles = user.roles.map((id) => state.roles[id]).filter(Boolean);
  const head = el(
    "div",
    { className: "popup-head" },
    portrait(user, "portrait-large"),
    el("b", {}, user.name),
    el("small", {}, user.username),
    roles.length > 0 && el("p", { className: "popup-roles" }, roles.map(roleMark)),
  );
  const talk = async () => show((await act("message_bot", {})).id);
  openMenu(where, {
    label: user.name,
    head,
    groups: [
      { items: user.bot ? [{ label: "Message", shape: "at", choose: talk }] : [] },
      appsFor(ON_PERSON, { user: user.id }),
    ],
  });
}

function roleMark(role) {
  const dot = el("i", { "aria-hidden": "true" });
  if (role.color) dot.style.background = `#${role.color.toString(16).padStart(6, "0")}`;
  return el("span", { className: "role" }, dot, role.name);
}
