import { get, Problem } from "./api.js";
import { logOut, project, session, token, trouble } from "./session.js";

// Asks the gateway whose token this is, until it answers.
export async function knock() {
  const asked = token.get();
  if (asked) trouble.set(null);
  while (asked && asked === token.get()) {
    try {
      const mine = await get("/session");
      if (mine.projects && !mine.projects.includes(project.get())) project.set(""); // it was another person's choice
      session.set(mine);
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
