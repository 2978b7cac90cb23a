// Who are you? A token of one's own, or the organisation's log-in.

import { get } from "../api.js";
import { LANGUAGES, language, t, useLanguage } from "../i18n.js";
import { comeBack, leave } from "../oidc.js";
import { ended, logIn, token, trouble } from "../session.js";
import { useStore } from "../store.js";
import { Button, Choice, Field, Problem, Waiting } from "../ui.js";
import { html, useEffect, useState } from "../view.js";

const AGAIN_MS = 2000;

export function LogIn() {
  const spoken = useLanguage();
  const why = useStore(ended);
  const asking = useStore(token);
  const problem = useStore(trouble);
  return html`<main class="log-in">
    <div class="panel">
      <h1><img src="icon.svg" alt="" width="34" height="34" /> AWOOOI</h1>
      ${why === "refused" && html`<div class="notice warn" role="alert">${t("log_in.refused")}</div>`}
      <${Problem} problem=${problem} again=${Boolean(asking)} />
      ${asking ? html`<${Waiting} />` : html`<${Ways} />`}
      <${Choice} label=${t("menu.language")} value=${spoken} options=${LANGUAGES.map((each) => [each, t(`language.${each}`)])} onChange=${(each) => language.set(each)} />
    </div>
  </main>`;
}

function Ways() {
  const [config, setConfig] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    const leaving = new AbortController();
    const told = (found) => leaving.signal.aborted || setProblem(found);
    configured(leaving.signal, told)
      .then(async (found) => {
        setConfig(found);
        const presented = found.oidc && (await comeBack(found.oidc));
        if (presented) logIn(presented);
      })
      .catch(told);
    return () => leaving.abort();
  }, []);
  return html`
    <${Problem} problem=${problem} again=${!config} />
    ${config?.oidc && html`<${Button} kind="primary" onClick=${() => leave(config.oidc)}>${t("log_in.oidc")}<//><p class="or">${t("log_in.or")}</p>`}
    <${TokenForm} />
  `;
}

// How one logs in here: asked until the gateway answers.
async function configured(signal, told) {
  for (;;) {
    try {
      const found = await get("/console/config", {}, { signal });
      told(null);
      return found;
    } catch (problem) {
      if (!problem.passes) throw problem;
      told(problem);
      await new Promise((resolve) => setTimeout(resolve, Math.max(problem.retryAfter * 1000, AGAIN_MS)));
    }
  }
}

function TokenForm() {
  const [presented, setPresented] = useState("");
  const submit = (event) => {
    event.preventDefault();
    if (presented.trim()) logIn(presented.trim());
  };
  return html`<form onSubmit=${submit}>
    <${Field} label=${t("log_in.token")} hint=${t("log_in.token.hint")}>
      <input type="password" name="token" autocomplete="off" spellcheck=${false} value=${presented} required onInput=${(event) => setPresented(event.target.value)} />
    <//>
    <button class="button primary" type="submit">${t("log_in.enter")}</button>
  </form>`;
}
