/** The model: { name, things, words }, or null if unknown to the playground. */

import { el, icon } from "./dom.js";
import { AND_THEN, REAL_CHECKPOINT, UNKNOWN_WORDS } from "./examples.js";

export const model = await fetch("/model.json")
  .then((response) => response.json())
  .catch(() => null);

const words = new Set(model?.words);

/** Whether the model knows some words only. */
export const isBuiltIn = words.size > 0;

/** Messages with finished pictures start with the prompt and its author, and a line with the checkpoint. */
const FINISHED = /^\*\*(.+)\*\* — <@!?\d+>[^\n×]*\n(?:-# .*\n)*?-# ([^·\n]+) · /;

/** Return the prompt of pictures that this model generated; null for all other messages. */
function drawnFrom(message) {
  if (!isBuiltIn || !message.author.bot || message.attachments.length === 0) return null;
  const [, prompt, name] = FINISHED.exec(message.content) ?? [];
  if (plain(name ?? "") !== model.name) return null;
  return plain(prompt);
}

/** Remove markup. */
function plain(text) {
  return text.replace(/\\([^\w\s])/g, "$1").trim();
}

function isKnown(word) {
  return [word, word.replace(/s$/, ""), word.replace(/es$/, ""), word.replace(/ies$/, "y")].some((one) => words.has(one));
}

/** Add a note below a message's pictures that the model knew no word of their prompt. */
export function aboutWords(message) {
  const prompt = drawnFrom(message);
  if (prompt === null) return null;
  const said = prompt.toLowerCase().match(/[\p{L}\p{N}\p{M}_]+/gu) ?? [];
  if (said.some(isKnown)) return null;
  return el("p", { className: "page-note", role: "note" }, icon("info"), el("span", {}, UNKNOWN_WORDS, " ", el("code", { className: "inline" }, REAL_CHECKPOINT), " ", AND_THEN));
}
