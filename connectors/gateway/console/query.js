// What a page shows: asked once, asked again when something happened to it, kept while the gateway is away.

import { get } from "./api.js";
import { heardAt, listen } from "./live.js";
import { useEffect, useRef, useState } from "./view.js";

const FIRST_LOOK_MS = 200;
const LAST_LOOKS_MS = [1200, 4000, 12_000]; // an event is told before the record has it
const NEWS_MS = 12_000; // what was told this lately may not be in the record yet
const IDLE_MS = 60_000; // and a look now and then, whatever was told or not
const SPACINGS_MS = [1000, 1000, 1000, 2000, 4000]; // the longer a storm lasts, the rarer: a token has its limit
const LONGEST_WAIT_MS = 15_000;

// `{data, problem, loading, refresh}`. `about(event)` says whether a live event changes the answer. While there is a
// problem the last good data stays; what passes by itself is asked again until it does.
export function useQuery(path, { query = {}, about = null, when = true } = {}) {
  const [state, setState] = useState({ data: null, problem: null, loading: true, path: "" });
  const asked = `${path}?${JSON.stringify(query)}`;
  const asking = useRef(null);
  const concerns = useRef(about);
  concerns.current = about;

  useEffect(() => {
    if (!when) return undefined;
    const asker = askerOf(path, query, (next) => setState((old) => ({ ...merged(old, next, asked) })));
    asking.current = asker;
    asker.now();
    if (about && Date.now() - heardAt() < NEWS_MS) asker.soon();
    const idle = about && setInterval(() => document.visibilityState === "visible" && asker.soon(), IDLE_MS);
    const deaf = listen((event) => {
      if (event.kind === "reset" || concerns.current?.(event)) asker.soon();
    });
    return () => {
      deaf();
      clearInterval(idle);
      asker.stop();
    };
  }, [asked, when]);

  const mine = state.path === asked ? state : { data: null, problem: null, loading: true };
  return { ...mine, refresh: () => asking.current?.soon() };
}

function merged(old, next, path) {
  const data = old.path === path ? old.data : null;
  return { data, problem: null, loading: false, path, ...next };
}

function askerOf(path, query, show) {
  const ending = new AbortController();
  const looks = new Set();
  let next = 0;
  let askedAt = 0;
  let asked = 0;
  let shown = 0;
  let failures = 0;
  let inStorm = 0;

  async function now() {
    askedAt = Date.now();
    const turn = (asked += 1);
    try {
      const data = await get(path, query, { signal: ending.signal });
      if (turn < shown) return; // a later question was answered before
      shown = turn;
      failures = 0;
      show({ data });
    } catch (problem) {
      if (!ending.signal.aborted && turn >= shown) failed(problem);
    }
  }

  function failed(problem) {
    show({ problem });
    failures = problem.passes ? failures + 1 : 0;
    if (!problem.passes) return; // the next event may change that: what is told may not be in the record yet
    const wait = Math.min(1000 * 2 ** (failures - 1), LONGEST_WAIT_MS);
    asIn(Math.max(wait, problem.retryAfter * 1000));
  }

  function asIn(ms) {
    clearTimeout(next);
    next = setTimeout(() => {
      next = 0;
      now();
    }, ms);
  }

  function quiet(since) {
    if (since === LAST_LOOKS_MS.at(-1)) inStorm = 0;
    now();
  }

  function forget() {
    for (const look of looks) clearTimeout(look);
    looks.clear();
  }

  return {
    now,
    // At once, in a storm of events now and then; and again when it is quiet.
    soon() {
      if (failures) return;
      const spacing = SPACINGS_MS[Math.min(inStorm, SPACINGS_MS.length - 1)];
      if (!next) {
        inStorm += 1;
        asIn(Math.max(FIRST_LOOK_MS, askedAt + spacing - Date.now()));
      }
      forget();
      for (const wait of LAST_LOOKS_MS) looks.add(setTimeout(quiet, wait, wait));
    },
    stop() {
      ending.abort();
      clearTimeout(next);
      forget();
    },
  };
}
