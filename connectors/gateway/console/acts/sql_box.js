// Questions to the record: those that ship, by name, and anybody's own SQL, as the user who can only read.

import { get, post } from "../api.js";
import { t } from "../i18n.js";
import { useQuery } from "../query.js";
import { project, session, token } from "../session.js";
import { kept, useStore } from "../store.js";
import { Answered, Badge, Button, Outside, Panel, Problem } from "../ui.js";
import { html, useRef, useState } from "../view.js";

const START = "SELECT day, project_id, alerts, incidents FROM v_daily ORDER BY day DESC";
const PATIENCE_MS = 40_000; // the gateway lets a question run for 30 s
const draft = kept(sessionStorage, "sql", START);

token.follow((now) => now || draft.set(START)); // it is not for the next person in this tab

export function SqlBox() {
  const named = useQuery("/queries");
  const chosen = useStore(project);
  const mine = useStore(session);
  const sql = useStore(draft);
  const [state, setState] = useState({});
  const asked = useRef(0);
  const ask = async ({ name }) => {
    const turn = (asked.current += 1);
    const show = (found) => turn === asked.current && setState({ ...found, name }); // only the latest
    const options = { patience: PATIENCE_MS };
    show({ busy: true });
    try {
      show({ answer: name ? await get(`/queries/${encodeURIComponent(name)}`, { project: of(chosen, mine) }, options) : await post("/sql", { sql, project: of(chosen, mine) }, options) });
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      show({ problem });
    }
  };
  const submit = (event) => {
    event.preventDefault();
    if (!state.busy && sql.trim()) ask({});
  };
  const typed = (event) => (event.ctrlKey || event.metaKey) && event.key === "Enter" && submit(event);
  return html`<div class="columns sql">
    <div class="stack">
      <${Panel} id="sql" title=${t("sql.title")}>
        <p class="soft">${t("sql.about")}</p>
        <form onSubmit=${submit}>
          <textarea class="code" aria-label=${t("sql.title")} value=${sql} spellcheck=${false} autocomplete="off" maxlength="20000" onInput=${(event) => draft.set(event.target.value)} onKeyDown=${typed}></textarea>
          <div class="line"><button class="button primary" type="submit" disabled=${state.busy || !sql.trim()} aria-busy=${state.busy}>${t("sql.ask")}</button>
            <small><kbd>Ctrl</kbd><kbd>Enter</kbd></small><small class="push">${t("sql.project", { project: of(chosen, mine) || t("project.all") })}</small></div>
        </form>
      <//>
      <${Result} ...${state} />
    </div>
    <${Panel} id="named" title=${t("sql.named")}>
      <${Answered} of=${named}>${({ items }) => html`<ul class="questions">${items.map(({ name, about }) => html`<li key=${name}>
        <${Button} kind="small" busy=${state.busy && state.name === name} onClick=${() => ask({ name })}>${name}<//> <span class="soft"><${Outside} value=${about} /></span></li>`)}</ul>`}<//>
    <//>
  </div>`;
}

// Who has one project asks of it; who has several chooses in the header.
function of(chosen, { projects }) {
  return chosen || (projects?.length === 1 ? projects[0] : "");
}

function Result({ answer, problem, busy, name }) {
  if (busy) return html`<p class="waiting" role="status">${t("ui.loading")}</p>`;
  if (problem) return html`<${Problem} problem=${problem} />`;
  if (!answer) return null;
  const { columns, rows, truncated, elapsed_ms: ms } = answer;
  return html`<${Panel} id="answer" title=${name || t("sql.answer")} aside=${html`<span class="line"><small role="status">${t("sql.rows", { count: rows.length })}${t("ui.comma")}${t("time.ms", { n: ms })}</small>${truncated && html`<${Badge} tone="warn">${t("sql.truncated")}<//>`}</span>`}>
    <div class="scroll" role="region" aria-label=${t("sql.answer")} tabindex="0"><table class="plain">
      <thead><tr>${columns.map(({ name, type }, at) => html`<th key=${at} scope="col" title=${type}><${Outside} value=${name} /></th>`)}</tr></thead>
      <tbody>${rows.map((row, at) => html`<tr key=${at}>${row.map((value, place) => html`<td key=${place} class=${typeof value === "number" ? "number" : ""}><${Cell} value=${value} /></td>`)}</tr>`)}</tbody>
    </table></div>
  <//>`;
}

function Cell({ value }) {
  if (value === null) return html`<span class="soft">–</span>`;
  return html`<${Outside} value=${typeof value === "string" ? value : JSON.stringify(value)} most=${400} />`;
}
