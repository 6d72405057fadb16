/** Threads: beginning one from a message, and the way from the message into it. */

import { el, icon, write } from "./dom.js";
import { act, show, state } from "./state.js";

const NAME_LENGTH = 100;

/** Ask for a thread's name, and begin it from a message. */
export function askForThread(message) {
  const name = el("input", { maxLength: NAME_LENGTH, required: true, autocomplete: "off" });
  name.value = message.content.split("\n")[0].replace(/[*_`~|]/g, "").slice(0, 40).trim();
  const problem = el("p", { className: "composer-problem", role: "alert", hidden: true });
  const close = () => dialog.close();
  const form = el(
    "form",
    { method: "dialog" },
    el("header", {}, el("h2", {}, "Create thread"), el("button", { className: "round", type: "button", "aria-label": "Close", onclick: close }, icon("close"))),
    el("label", { className: "form-field" }, el("span", { className: "form-label" }, "Thread name"), name),
    problem,
    el("footer", {}, el("button", { className: "button secondary", type: "button", onclick: close }, "Cancel"), el("button", { className: "button primary", type: "submit" }, "Create")),
  );
  const dialog = el("dialog", { className: "form", "aria-label": "Create thread" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const { id } = await act("thread", { message: message.id, name: name.value });
      dialog.close();
      show(id);
    } catch (error) {
      write(problem, error.message);
      problem.hidden = false;
    }
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  name.select();
}

/** The number of messages in a thread, without its starter message. */
export function threadSize(thread) {
  return Math.max(0, (state.messages.get(thread.id)?.size ?? 0) - 1);
}

/** The box under a message from which a thread was begun. */
export function threadBox(thread) {
  const count = threadSize(thread);
  return el(
    "button",
    { className: "thread-box", type: "button", onclick: () => show(thread.id) },
    icon("thread"),
    el("b", {}, thread.name),
    el("span", {}, `${count} ${count === 1 ? "message" : "messages"} ›`),
  );
}
