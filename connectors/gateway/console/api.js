// The gateway's API with this tab's token. What goes wrong comes as one kind of error, `Problem`.

import { filled } from "./router.js";
import { logOut, token } from "./session.js";

const BASE = "/api/v1";
const PATIENCE_MS = 20_000;
const CLOCK_SLACK_MS = 2000; // it is told in whole seconds, and comes late

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
  const answer = await reached(fetch(address, request), signal);
  setClock(Date.parse(answer.headers.get("Date") ?? ""));
  if (answer.status === 401 && mine && mine === token.get()) logOut("refused");
  const told = await reached(content(answer), signal);
  if (!answer.ok) throw new Problem(answer.status, told?.detail || answer.statusText, seconds(answer));
  return told;
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
