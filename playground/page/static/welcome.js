/** A channel's welcome: what it is, which model draws there, and prompts to try. */

import { el, icon } from "./dom.js";
import { BUILT_IN, EXAMPLES, REAL } from "./examples.js";
import { portrait } from "./messages.js";
import { isBuiltIn, model } from "./model.js";
import { expect } from "./pending.js";
import { act, emit, on, Problem, state, usableCommands } from "./state.js";

const COMMAND = "imagine";

/** Make the welcome to a channel. */
export function welcome(channel) {
  const parent = channel.parent && state.channels.find((one) => one.id === channel.parent);
  const [title, beginning] = channel.direct
    ? [channel.name, `This is the beginning of your direct messages with ${channel.name}.`]
    : parent
      ? [channel.name, `This is the start of a thread in #${parent.name}.`]
      : [`Welcome to #${channel.name}!`, `This is the start of the #${channel.name} channel.`];
  const mark = channel.direct
    ? portrait(Object.values(state.users).find((user) => user.bot), "welcome-mark")
    : el("div", { className: "welcome-mark" }, icon(parent ? "thread" : "hash"));
  const about = model && (isBuiltIn ? BUILT_IN(model.things) : REAL(model.name));
  return el(
    "div",
    { className: "welcome" },
    mark,
    el("h2", {}, title),
    el("p", {}, beginning, channel.nsfw && " It is age-restricted."),
    channel.topic && el("p", {}, channel.topic),
    about && el("p", { className: "welcome-model" }, about),
    examples(channel),
  );
}

function examples(channel) {
  const said = el("p", { className: "examples-said", role: "status" });
  const show = (text) => said.replaceChildren(text);
  const row = ({ prompt, remix, kind }) => {
    const fill = () => emit("compose", { text: `/${COMMAND} ${prompt}` });
    const turn = () => remixed(channel, prompt, remix, show);
    return el(
      "li",
      { className: "example" },
      el("button", { type: "button", onclick: remix ? turn : fill }, unbroken(prompt), remix && [" → ", remix]),
      el("small", {}, kind),
    );
  };
  return el("section", { className: "examples", "aria-label": "Things to try" }, el("h3", {}, "Try one of these"), el("ul", {}, EXAMPLES.map(row)), said);
}

/** Keep a parameter and its value on one line. */
function unbroken(prompt) {
  return prompt.split(/(--\w+ \S+)/).map((part) => (part.startsWith("--") ? el("span", { className: "unbroken" }, part) : part));
}

function remixButton(message) {
  if (!message.author.bot || message.attachments.length === 0) return null;
  const buttons = message.components.flatMap((line) => line.components ?? []);
  return buttons.find((one) => /\bremix\b/.test(one.custom_id ?? "") && !one.disabled) ?? null;
}

/** Open the remix of a prompt's pictures with a changed prompt; if there are none, they are drawn first. */
async function remixed(channel, prompt, into, show) {
  try {
    const message = newest(channel, prompt);
    if (message) {
      show("");
      const orders = { message: message.id, custom_id: remixButton(message).custom_id };
      await expect(act("click", orders), { message, values: { prompt: into } });
      return;
    }
    const about = { command: COMMAND, channel: channel.id };
    awaited = { channel, prompt, into, show }; // the pictures may be there before the act is known to be done
    show(`Darkroom draws ${prompt} first. Its Remix form opens when the pictures are there.`);
    await expect(act("slash", { ...about, options: { prompt } }), about);
  } catch (problem) {
    awaited = null;
    if (!(problem instanceof Problem)) throw problem;
    show(usableCommands().length > 0 ? problem.message : "Darkroom is starting. Try it again in a moment.");
  }
}

/** Find the newest message with pictures of a prompt that can be remixed. */
function newest(channel, prompt) {
  const messages = [...(state.messages.get(channel.id)?.values() ?? [])];
  return messages.findLast((message) => remixButton(message) && message.content.startsWith(`**${prompt}** `));
}

/** A remix waiting for its pictures; doing anything else cancels it. */
let awaited = null;

on("message", ({ message }) => {
  if (awaited === null || message.channel_id !== awaited.channel.id || !newest(awaited.channel, awaited.prompt)) return;
  const { channel, prompt, into, show } = awaited;
  awaited = null;
  if (channel.id === state.channel && !document.querySelector("dialog[open]")) remixed(channel, prompt, into, show);
  else show("");
});

for (const kind of ["hello", "channel", "compose", "failed"]) {
  on(kind, () => {
    awaited?.show("");
    awaited = null;
  });
}
