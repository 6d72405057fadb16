/** Requests the bot has not answered yet. */

import { emit, on } from "./state.js";
import { openForm } from "./form.js";

const LATE = "The application did not respond";
const FAILED = "This interaction failed";

/** Waiting, by interaction id: { message?, command?, channel?, done?, values? }. */
export const waiting = new Map();
/** Events that arrived before the response to their request. */
const early = new Map();

/**
 * Follow something asked of the bot. `asked` resolves to the interaction's id (or throws a
 * Problem, and so does this); `about` says what it was: a `command` in a `channel`, or a component
 * of a `message`, what to call when `done`, and the `values` that a form is to have instead of its own.
 */
export async function expect(asked, about) {
  const { id } = await asked;
  waiting.set(id, about);
  emit("pending");
  if (early.has(id)) settle(early.get(id));
}

function settle(news) {
  const about = waiting.get(news.id);
  if (about === undefined) {
    early.set(news.id, news);
    return;
  }
  waiting.delete(news.id);
  early.delete(news.id);
  about.done?.();
  if (news.status === "unanswered") {
    emit("failed", { ...about, text: about.message ? FAILED : LATE });
  } else if (news.status === "modal") {
    openForm(news.id, news.modal, about.values);
  }
  emit("pending");
}

on("interaction", settle);
