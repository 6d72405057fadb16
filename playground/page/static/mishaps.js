/** The panel that injects faults, so that people can watch the bot survive them. */

import { el, icon, write } from "./dom.js";
import { act, currentChannel, on } from "./state.js";

const panel = document.getElementById("mishaps");
const toggle = panel.querySelector("summary");
const choices = el("div", { className: "mishaps-choices" });
const said = el("p", { className: "mishaps-said", role: "status" });

toggle.prepend(icon("bolt"));
panel.append(
  el(
    "div",
    { className: "mishaps-panel", role: "group", "aria-label": "Let something go wrong" },
    el("p", { className: "mishaps-intro" }, "Let something go wrong, and watch the bot survive it."),
    choices,
    said,
  ),
);

function draw() {
  const focused = document.activeElement?.dataset.mishap;
  choices.replaceChildren(
    ...(currentChannel()?.mishaps ?? []).map(({ title, buttons }) =>
      el("section", {}, el("h2", {}, title), buttons.map(choice)),
    ),
  );
  if (focused) (choices.querySelector(`[data-mishap="${CSS.escape(focused)}"]`) ?? toggle).focus();
}

function choice({ name, label }) {
  const happen = async () => {
    try {
      write(said, (await act("mishap", { channel: currentChannel().id, name })).said);
    } catch (problem) {
      write(said, problem.message);
    }
  };
  return el("button", { className: "button secondary", type: "button", dataset: { mishap: name }, onclick: happen }, label);
}

panel.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !panel.open) return;
  panel.open = false;
  toggle.focus();
  event.stopPropagation();
});
panel.addEventListener("toggle", () => {
  if (!panel.open) said.textContent = "";
});

on("hello", draw);
on("channel", draw);
