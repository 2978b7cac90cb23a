// What happens now, from the gateway, as it happens. One connection for the tab; after a break it goes on from the
// last message it has seen. Server-sent events are read by hand, because EventSource cannot carry a token.

import { authorization, url } from "./api.js";
import { logOut, project, session } from "./session.js";
import { store } from "./store.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const SILENCE_MS = 40_000; // the gateway says something every 15 s

export const connection = store("connecting"); // connecting, live, away

const listeners = new Set();
let cursor = "";
let current = null;
let lastHeard = 0;

export const heardAt = () => lastHeard;

// `{kind, type, project_id, incident_id, run_id, event_id, at, actor, summary, …}`; kind `reset`: read all anew.
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function start() {
  stop();
  cursor = "";
  current = new AbortController();
  follow(current.signal);
}

export function stop() {
  current?.abort();
  current = null;
  connection.set("connecting");
}

session.follow((now) => (now ? start() : stop()));
project.follow(() => session.get() && start());

async function follow(signal) {
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    const worked = await once(signal).catch(() => false);
    if (signal.aborted) return;
    connection.set("away");
    wait = worked ? FIRST_WAIT_MS : Math.min(wait * 2, LONGEST_WAIT_MS);
    await pause(wait * (0.75 + Math.random() / 2), signal);
  }
}

// One connection until it breaks; whether it carried anything.
async function once(signal) {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  };
  try {
    const answer = await open(AbortSignal.any([signal, silence.signal]));
    if (answer.status === 401) logOut("refused");
    if (!answer.ok) return false;
    if (!cursor) tell({ kind: "reset" }); // what happened between the page's first look and now
    connection.set("live");
    for await (const message of messages(answer.body, heard)) take(message);
    return true;
  } finally {
    clearTimeout(timer);
  }
}

function open(signal) {
  const resumes = cursor ? { "Last-Event-ID": cursor } : {};
  return fetch(url("/dashboard/stream", { project: project.get() }), {
    headers: { Accept: "text/event-stream", ...authorization(), ...resumes },
    cache: "no-store",
    credentials: "omit",
    signal,
  });
}

function take({ id, event, data }) {
  if (event === "away") connection.set("away"); // the gateway answers, and cannot read the log just now
  if (event === "back") connection.set("live");
  const happened = data === undefined ? null : read(data);
  if (event !== "message") lastHeard = Date.now();
  if (happened) tell({ ...happened, kind: event });
  if (id) cursor = id; // after the telling: what was not heard is asked for again
}

function read(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null; // one message that cannot be read takes nothing from the next
  }
}

function tell(happened) {
  for (const listener of [...listeners]) listener(happened);
}

// The messages of a stream of server-sent events.
export async function* messages(body, heard = () => {}) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
    const parts = (rest + value).replace(/\r\n|\r(?!$)/g, "\n").split("\n\n"); // at the end it may be half a line's
    rest = parts.pop();
    for (const part of parts) {
      const message = parsed(part);
      if (message) yield message;
    }
  }
}

function parsed(part) {
  const message = { event: "message" };
  const lines = [];
  for (const line of part.split("\n")) {
    const [, field, value] = /^(\w+): ?(.*)$/s.exec(line) ?? [];
    if (field === "data") lines.push(value);
    else if (field) message[field] = value;
  }
  if (lines.length) message.data = lines.join("\n");
  return message.data !== undefined || message.id ? message : null;
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}
