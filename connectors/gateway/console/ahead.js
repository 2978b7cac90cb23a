// What the page will ask first, asked while its modules are still loaded: whose token this is, and the one thing that
// the address names. No module, so that it waits for none; api.js takes the answers that are on their way.

(() => {
  const HEADERS = { Accept: "application/json" };
  const THING = /^#\/((?:incidents|runs|approvals)\/[\w-]+)(?:\?|$)/; // what an address may say is anybody's
  const token = read("awoooi.token");
  const thing = THING.exec(location.hash)?.[1];
  const asked = new Map(); // address → the answer

  if (token) {
    ask("session");
    if (thing) ask(thing);
  }
  globalThis.askedAhead = { token, asked, at: Date.now() };

  function ask(path) {
    const answer = fetch(`/api/v1/${path}`, {
      headers: { ...HEADERS, Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(20_000),
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    answer.catch(() => {}); // whoever takes it hears of it
    asked.set(`/api/v1/${path}`, answer);
  }

  function read(name) {
    try {
      return sessionStorage.getItem(name);
    } catch {
      return null; // a browser that keeps nothing
    }
  }
})();
