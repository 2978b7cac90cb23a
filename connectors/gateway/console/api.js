// The gateway's API with this tab's token. What goes wrong comes as one kind of error, `Problem`.

import { filled } from "./router.js";
import { logOut, token } from "./session.js";

const BASE = "/api/v1";
const PATIENCE_MS = 20_000;
const CLOCK_SLACK_MS = 2000; // it is told in whole seconds, and comes late
const AHEAD_MS = 10_000; // what was asked before this (ahead.js) answers questions for so long

let ahead = 0; // of the gateway's clock before this machine's

export class Problem extends Error {
  // status 0: the gateway did not answer at all
  constructor(status, detail, retryAfter = 0) {
    super(detail);
    Object.assign(this, { name: "Problem", status, detail, retryAfter });
  }

  // It passes by itself: ask again.
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export const get = (path, query = {}, options = {}) => call("GET", url(path, query), undefined, options);

export const post = (path, body, options = {}) => call("POST", url(path), body, options);

export function url(path, query = {}) {
  const asked = new URLSearchParams(filled(query)).toString();
  return `${BASE}${path}${asked ? `?${asked}` : ""}`;
}

// By the gateway's clock: what ends, ends by that one.
export const gatewayNow = () => Date.now() + ahead;

async function call(method, address, body, { signal, headers = {}, patience = PATIENCE_MS } = {}) {
  const mine = token.get();
  const given = body === undefined ? {} : { "Content-Type": "application/json" };
  const request = {
    method,
    headers: { Accept: "application/json", ...given, ...authorization(), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.any([AbortSignal.timeout(patience), ...(signal ? [signal] : [])]),
    cache: "no-store",
    credentials: "omit",
    referrerPolicy: "no-referrer",
  };
  const early = method === "GET" && askedAhead(address);
  const answer = await reached(early || fetch(address, request), signal);
  if (!early) setClock(Date.parse(answer.headers.get("Date") ?? "")); // that one may have waited for us
  if (answer.status === 401 && mine && mine === token.get()) logOut("refused");
  const told = await reached(content(answer), signal);
  signal?.throwIfAborted(); // of which a question that was asked ahead knows nothing
  if (!answer.ok) throw new Problem(answer.status, told?.detail || answer.statusText, seconds(answer));
  return told;
}

// Each answer once, and to nobody but whose token it was asked with.
function askedAhead(address) {
  const { token: whose, asked, at } = globalThis.askedAhead ?? {};
  const answer = asked?.get(address);
  asked?.delete(address);
  return whose === token.get() && Date.now() - at < AHEAD_MS ? answer : null;
}

export function setClock(told) {
  if (Math.abs(told - gatewayNow()) > CLOCK_SLACK_MS) ahead = told - Date.now();
}

export function authorization() {
  return token.get() ? { Authorization: `Bearer ${token.get()}` } : {};
}

async function reached(promise, signal) {
  try {
    return await promise;
  } catch (error) {
    if (signal?.aborted) throw signal.reason; // called off by the page itself
    throw new Problem(0, error.message);
  }
}

async function content(answer) {
  const text = await answer.text();
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null; // a proxy's own page
  }
}

function seconds(answer) {
  return Number(answer.headers.get("Retry-After")) || 0;
}
