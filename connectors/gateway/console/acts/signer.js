// Who signs here: the registry's word on the person who is logged in, and this browser's key of theirs.

import { get, Problem } from "../api.js";
import { session } from "../session.js";
import { store, useStore } from "../store.js";
import { useEffect } from "../view.js";
import { hand, load } from "./key_store.js";

const PATIENCE_MS = 20_000; // the gateway waits 5 s for a verdict

export const signer = store(null); // {person, roles, projects, environment, keys}; null: not known yet
let looking = "";

// Asks once for each person, and again whenever `look()` is called.
export function useSigner() {
  const mine = useStore(session);
  useEffect(() => {
    if (mine && looking !== mine.person) look().catch(() => (looking = ""));
  }, [mine]);
  return { known: useStore(signer), hand: useStore(hand) };
}

export async function look() {
  const { person } = session.get();
  looking = person;
  if (signer.get()?.person !== person) signer.set(null);
  await load(person);
  signer.set(await get("/keys"));
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
