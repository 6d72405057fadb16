/** The page's state, updated over a websocket, and people's actions sent back. */

const listeners = new Map();

/** Everything the page knows; `channel` is the id of the one on show. */
export const state = {
  loaded: false,
  live: false,
  me: null,
  channel: null,
  people: [],
  users: {},
  roles: {},
  guild: null,
  channels: [],
  bot: { connected: false, ready: false, seen: false },
  commands: {},
  messages: new Map(),
  /** Channels with messages that came while another one was on show. */
  unread: new Set(),
  wanted: null,
};

/** Subscribe to a kind of event: "hello", "message", "message_deleted", "bot", "commands", … */
export function on(kind, listener) {
  if (!listeners.has(kind)) listeners.set(kind, []);
  listeners.get(kind).push(listener);
}

export function emit(kind, news) {
  for (const listener of listeners.get(kind) ?? []) listener(news);
}

/** The person this page acts as, by username; each tab has its own. */
export function acting() {
  const asked = new URLSearchParams(location.search).get("as");
  return sessionStorage.getItem("as") ?? asked ?? "";
}

export function actAs(username) {
  sessionStorage.setItem("as", username);
  connect();
}

export function person(id) {
  return state.users[id];
}

export function currentChannel() {
  return state.channels.find((channel) => channel.id === state.channel);
}

/** Show a channel; one that is not known yet (a new thread) as soon as it is. */
export function show(channelId) {
  if (!state.channels.some((channel) => channel.id === channelId)) {
    state.wanted = channelId;
    return;
  }
  state.channel = channelId;
  state.unread.delete(channelId);
  emit("channel");
}

/** The slash commands that this person may use in the channel on show. */
export function usableCommands() {
  return commandsOfType(1);
}

/** The commands of a type (1 slash, 2 on people, 3 on messages) for the channel on show. */
export function commandsOfType(type) {
  if (!state.bot.connected) return [];
  return (state.commands[state.channel] ?? []).filter((command) => command.type === type);
}

const take = {
  hello(news) {
    const { messages, ...rest } = news;
    Object.assign(state, rest, { loaded: true });
    state.messages = new Map();
    for (const [channel, list] of Object.entries(messages)) {
      state.messages.set(channel, new Map(list.map((message) => [message.id, message])));
    }
    if (state.channels.some((channel) => channel.id === state.wanted)) {
      state.channel = state.wanted;
      state.wanted = null;
    }
    if (!currentChannel()) state.channel = state.channels[0]?.id ?? null;
  },
  message({ message }) {
    if (!state.messages.has(message.channel_id)) state.messages.set(message.channel_id, new Map());
    const messages = state.messages.get(message.channel_id);
    if (!messages.has(message.id) && message.channel_id !== state.channel && message.author.id !== state.me) {
      state.unread.add(message.channel_id);
    }
    messages.set(message.id, message);
  },
  message_deleted({ id, channel_id: channel }) {
    state.messages.get(channel)?.delete(id);
  },
  bot({ kind, ...status }) {
    state.bot = status;
  },
  commands({ commands }) {
    state.commands = commands;
  },
};

let socket = null;
let patience = 250;

/** Open the page's websocket, and again whenever it is lost. */
export function connect() {
  if (socket !== null) {
    socket.onclose = null;
    socket.close();
  }
  socket = new WebSocket(`ws://${location.host}/live?as=${encodeURIComponent(acting())}`);
  socket.onmessage = ({ data }) => {
    const news = JSON.parse(data);
    if (news.kind === "hello") {
      state.live = true;
      patience = 250;
    }
    take[news.kind]?.(news);
    emit(news.kind, news);
  };
  socket.onclose = () => {
    state.live = false;
    emit("bot");
    setTimeout(connect, patience);
    patience = Math.min(patience * 2, 4000);
  };
}

/** A failed action; `option` names the command's invalid option, if any. */
export class Problem extends Error {
  constructor(text, option) {
    super(text);
    this.option = option;
  }
}

/** Do something as the person on show; files among the options are sent along. */
export async function act(action, orders) {
  const address = `/act/${action}?as=${encodeURIComponent(acting())}`;
  const files = Object.entries(orders.options ?? {}).filter(([, value]) => value instanceof File);
  let body = JSON.stringify(orders);
  if (files.length > 0) {
    const rest = Object.entries(orders.options).filter(([, value]) => !(value instanceof File));
    body = new FormData();
    body.append("orders", JSON.stringify({ ...orders, options: Object.fromEntries(rest) }));
    for (const [name, file] of files) body.append(name, file);
  }
  let response;
  try {
    response = await fetch(address, { method: "POST", body });
  } catch {
    throw new Problem("The playground does not answer.");
  }
  if (response.ok) return response.json();
  const type = response.headers.get("Content-Type") ?? "";
  if (!type.startsWith("application/json")) throw new Problem("That did not work.");
  const answer = await response.json();
  throw new Problem(answer.problem, answer.option);
}
