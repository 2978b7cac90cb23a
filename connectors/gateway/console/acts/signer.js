// Who signs here: the registry's word on the person who is logged in, and this browser's key of theirs.

import { get, Problem } from "../api.js";
import { session } from "../session.js";
import { store, useStore } from "../store.js";
import { useEffect, useState } from "../view.js";
import { hand, load } from "./key_store.js";

const LOOK_MS = 15_000; // an admin may confirm a key, or take a role, at any time
const PATIENCE_MS = 20_000; // the gateway waits 5 s for a verdict

export const signer = store(null); // {person, roles, projects, environment, keys}; null: not known yet
let asked = 0;
let shown = 0;

session.follow((now) => now || signer.set(null));

// Asks at once, and again as long as whoever uses it is there.
export function useSigner() {
  const person = useStore(session)?.person;
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    if (!person) return undefined;
    let here = true;
    const tell = (found) => here && setProblem(found);
    const ask = () => look().then(() => tell(null), tell);
    ask();
    const timer = setInterval(ask, LOOK_MS);
    return () => {
      here = false;
      clearInterval(timer);
    };
  }, [person]);
  return { known: useStore(signer), hand: useStore(hand), problem };
}

export async function look() {
  const person = session.get()?.person;
  if (!person) return;
  const turn = (asked += 1);
  await load(person);
  const found = await get("/keys");
  if (turn < shown || session.get()?.person !== person) return; // later asked, or another person's by now
  shown = turn;
  signer.set(found);
}

// This browser's key as the registry names it: an imported one may be registered under another id.
export function registered(known, mine) {
  return mine && known?.keys.find((key) => key.thumbprint === mine.thumbprint);
}

// Whole seconds by the gateway's clock: a wrong one here would spoil the signature.
export async function gatewayTime() {
  const answer = await reached(fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) }));
  const told = Date.parse(answer.headers.get("Date") ?? "");
  return Math.floor((Number.isNaN(told) ? Date.now() : told) / 1000);
}

// No token goes with it: what counts is the signature.
export async function handIn(approvalId, jws) {
  const answer = await reached(
    fetch(`/api/v1/approvals/${encodeURIComponent(approvalId)}/signatures`, {
      method: "POST",
      headers: { "Content-Type": "application/jose" },
      body: jws,
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(PATIENCE_MS),
    }),
  );
  const told = await reached(answer.json().catch(() => null));
  if (!answer.ok) throw new Problem(answer.status, told?.detail ?? "", Number(answer.headers.get("Retry-After")) || 0);
  return { status: answer.status, ...told };
}

async function reached(promise) {
  try {
    return await promise;
  } catch (error) {
    throw new Problem(0, error.message);
  }
}
