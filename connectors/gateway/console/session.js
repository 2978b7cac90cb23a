// Who is looking: the token of this tab. It lies in the tab's own storage and goes with it.

import { read, store, write } from "./store.js";

export const token = store(read(sessionStorage, "token") ?? "");
export const session = store(null); // {person, roles, projects, expires_at} once the gateway has said so
export const ended = store(""); // why the last session ended: "", "refused" or "out"
export const trouble = store(null); // why the gateway has not yet said who this is
export const project = store(read(sessionStorage, "project") ?? ""); // "": all that this person may see

token.follow((value) => write(sessionStorage, "token", value));
project.follow((value) => write(sessionStorage, "project", value));

export function logIn(presented) {
  ended.set("");
  token.set(presented);
}

export function logOut(why = "out") {
  session.set(null);
  ended.set(why);
  token.set("");
}

export function hasRole(...roles) {
  const mine = session.get()?.roles ?? [];
  return roles.some((role) => mine.includes(role));
}
