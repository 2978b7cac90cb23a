// Addresses of the console, after the `#`: `#/incidents/INC-1?run=2`. The server only ever sees one page.

import { store } from "./store.js";

export const place = store(parse(location.hash));

addEventListener("hashchange", () => place.set(parse(location.hash)));

export function parse(hash) {
  const [path, query] = hash.replace(/^#/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decoded);
  return { page: parts[0] ?? "", id: parts[1] ?? "", query: Object.fromEntries(new URLSearchParams(query)) };
}

export function href(page, id = "", query = {}) {
  const path = [page, id].filter(Boolean).map(encodeURIComponent).join("/");
  const asked = new URLSearchParams(filled(query)).toString();
  return `#/${path}${asked ? `?${asked}` : ""}`;
}

export function go(page, id = "", query = {}) {
  location.hash = href(page, id, query);
}

// The same page with other choices; the browser's back button goes past them.
export function replaceQuery(query) {
  const { page, id } = place.get();
  history.replaceState(null, "", href(page, id, query));
  place.set(parse(location.hash));
}

// Come back from elsewhere: the page that was left, without what the other place has added to the address.
export function land(hash) {
  history.replaceState(null, "", `${location.pathname}${hash}`);
  place.set(parse(location.hash));
}

export function filled(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "" && value != null));
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
