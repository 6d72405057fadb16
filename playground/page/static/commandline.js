/** Parsing slash commands: the command, its option values, and errors. */

export const SUBCOMMAND = 1;
export const GROUP = 2;
export const STRING = 3;
export const INTEGER = 4;
export const BOOLEAN = 5;
export const USER = 6;
export const CHANNEL = 7;
export const ROLE = 8;
export const MENTIONABLE = 9;
export const NUMBER = 10;
export const ATTACHMENT = 11;

/** List every command and subcommand: { label, description, options }. */
export function leaves(commands) {
  return commands.flatMap((command) => below(command, command.name));
}

function below(node, label) {
  const inner = (node.options ?? []).filter(({ type }) => type === SUBCOMMAND || type === GROUP);
  if (inner.length > 0) return inner.flatMap((option) => below(option, `${label} ${option.name}`));
  return [{ label, description: node.description, options: node.options ?? [] }];
}

/** Find the command that a line begins with, if the name is complete: { leaf, rest }. */
export function recognise(line, known) {
  if (!line.startsWith("/")) return null;
  const text = line.slice(1);
  const found = known
    .filter(({ label }) => text === label || (text.startsWith(label) && /\s/.test(text[label.length])))
    .sort((a, b) => b.label.length - a.label.length)[0];
  return found ? { leaf: found, rest: text.slice(found.label.length) } : null;
}

/**
 * Split what follows a command's name at its options' names, as in `a red apple count:2`.
 * What comes before the first name belongs to `first`. Gives [option, text] pairs in order.
 */
export function split(text, options, first) {
  const names = options.map((option) => option.name.replace(/[^\p{L}\p{N}_'-]/gu, ""));
  const marks = names.length > 0 ? [...text.matchAll(new RegExp(`(^|\\s)(${names.join("|")}):`, "gu"))] : [];
  const seen = new Set();
  const cuts = marks.filter((mark) => !seen.has(mark[2]) && seen.add(mark[2]));
  const pairs = [];
  const lead = text.slice(0, cuts[0]?.index ?? text.length);
  if (first && lead.trim() !== "") pairs.push([first, lead.trim()]);
  cuts.forEach((mark, index) => {
    const value = text.slice(mark.index + mark[0].length, cuts[index + 1]?.index ?? text.length);
    pairs.push([options.find((option) => option.name === mark[2]), value.trim()]);
  });
  return pairs;
}

/** The option that text without a name belongs to. */
export function mainOption(leaf) {
  const texts = leaf.options.filter((option) => option.type === STRING);
  return texts.find((option) => option.required) ?? leaf.options.find((option) => option.required) ?? texts[0] ?? leaf.options[0];
}

function range(option, low, high, what) {
  if (low !== undefined && high !== undefined) return `${what} between ${low} and ${high}`;
  if (low !== undefined) return `${what} of at least ${low}`;
  if (high !== undefined) return `${what} of at most ${high}`;
  return what;
}

/** Say in a few words what an option takes. */
export function expectation(option) {
  switch (option.type) {
    case INTEGER:
      return range(option, option.min_value, option.max_value, "a whole number");
    case NUMBER:
      return range(option, option.min_value, option.max_value, "a number");
    case BOOLEAN:
      return "True or False";
    case USER:
      return "a person";
    case CHANNEL:
      return "a channel";
    case ROLE:
      return "a role";
    case MENTIONABLE:
      return "a person or a role";
    case ATTACHMENT:
      return "a file";
    default:
      if (option.choices?.length > 0) return "one of the choices";
      return option.max_length ? `up to ${option.max_length} characters` : "text";
  }
}

/** The choices that an option has by itself; `world` names people, channels and roles. */
export function fixedChoices(option, world) {
  if (option.choices?.length > 0) return option.choices;
  if (option.type === BOOLEAN) return [{ name: "True", value: true }, { name: "False", value: false }];
  const people = world.people.map((user) => ({ name: user.name, value: user.id, detail: user.username }));
  const roles = world.roles.map((role) => ({ name: role.name.replace(/^@?/, "@"), value: role.id }));
  if (option.type === USER) return people;
  if (option.type === ROLE) return roles;
  if (option.type === MENTIONABLE) return [...people, ...roles];
  if (option.type === CHANNEL) {
    const types = option.channel_types ?? [];
    const fits = world.channels.filter(({ type }) => types.length === 0 || types.includes(type));
    return fits.map(({ name, id }) => ({ name: `#${name}`, value: id }));
  }
  return null;
}

/**
 * Check what was typed for an option: { value } to send, or { problem } to show. `choices`
 * are the option's fixed ones, null where anything of the type goes.
 */
export function check(option, typed, choices) {
  const text = typed.trim();
  if (text === "") return { problem: option.required ? "This option is required." : "Enter a value or remove this option." };
  if (choices) {
    const wanted = text.toLowerCase().replace(/^[@#]/, "");
    const same = (other) => String(other ?? "").toLowerCase().replace(/^[@#]/, "") === wanted;
    const found = choices.find((choice) => same(choice.name) || same(choice.value) || same(choice.detail));
    return found ? { value: found.value } : { problem: `Choose ${expectation(option)}.` };
  }
  if (option.type === INTEGER || option.type === NUMBER) {
    const pattern = option.type === INTEGER ? /^[+-]?\d+$/ : /^[+-]?(\d+\.?\d*|\.\d+)$/;
    const number = Number(text);
    const low = option.min_value ?? -Number.MAX_SAFE_INTEGER;
    const high = option.max_value ?? Number.MAX_SAFE_INTEGER;
    if (!pattern.test(text) || number < low || number > high) return { problem: `Enter ${expectation(option)}.` };
    return { value: number };
  }
  if (option.max_length !== undefined && text.length > option.max_length) {
    return { problem: `At most ${option.max_length} characters; this has ${text.length}.` };
  }
  if (option.min_length !== undefined && text.length < option.min_length) {
    return { problem: `At least ${option.min_length} characters.` };
  }
  return { value: text };
}
