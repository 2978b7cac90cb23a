import { get, Problem } from "./api.js";
import { logOut, session, token, trouble } from "./session.js";

// Asks the gateway whose token this is, until it answers.
export async function knock() {
  const asked = token.get();
  if (asked) trouble.set(null);
  while (asked && asked === token.get()) {
    try {
      session.set(await get("/session"));
      return;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 401) return; // api.js has ended it
      trouble.set(problem);
      if (!problem.passes) return logOut("");
      await new Promise((resolve) => setTimeout(resolve, Math.max(problem.retryAfter, 2) * 1000));
    }
  }
}
