// This browser's keys, one for each person who signs here. IndexedDB keeps the key itself, which nothing can read out.

import { session } from "../session.js";
import { store } from "../store.js";

const DATABASE = "awoooi";
const KEYS = "keys";

export const hand = store(undefined); // of whoever is logged in: {person, kid, algorithm, key, jwk, …}; null: none

session.follow((now) => now || hand.set(undefined));

export async function load(person) {
  show(person, (await request("readonly", (keys) => keys.get(person))) ?? null);
}

export async function keep(person, key) {
  const kept = { ...key, person, since: new Date().toISOString() };
  await request("readwrite", (keys) => keys.put(kept));
  show(person, kept);
}

export async function forget(person) {
  await request("readwrite", (keys) => keys.delete(person));
  show(person, null);
}

// What comes late is not the next person's.
function show(person, key) {
  if (session.get()?.person === person) hand.set(key);
}

function request(mode, ask) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(KEYS, { keyPath: "person" });
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const work = opening.result.transaction(KEYS, mode);
      const asked = ask(work.objectStore(KEYS));
      work.oncomplete = () => {
        opening.result.close();
        resolve(asked.result);
      };
      work.onabort = work.onerror = () => reject(work.error);
    };
  });
}
