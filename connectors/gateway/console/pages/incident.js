// One incident, whole: what waits, the argument as it unfolds, what was seen, what it touches, what was done.

import { ApprovalCard } from "../acts/approval_card.js";
import { number } from "../format.js";
import { t, word } from "../i18n.js";
import { useKey } from "../keyboard.js";
import { Argument } from "../parts/argument.js";
import { citations } from "../parts/citations.js";
import { Evidence } from "../parts/evidence.js";
import { Graph } from "../parts/graph.js";
import { IncidentActs } from "../parts/incident_acts.js";
import { Timeline } from "../parts/timeline.js";
import { go, href, replaceQuery } from "../router.js";
import { Ago, Answered, Badge, Choice, Clock, Long, Outside, Panel, State, useQuery } from "../ui.js";
import { html, useEffect } from "../view.js";
import { List } from "./runs.js";

const GOING = ["queued", "running"];

export function IncidentPage({ id, query }) {
  const found = useQuery(`/incidents/${encodeURIComponent(id)}`, { about: (event) => event.incident_id === id });
  useKey("u", "keys.back", () => go(""));
  useEffect(() => void (document.title = t("incident.title", { id })));
  return html`<${Answered} of=${found}>${(data) => html`<${Whole} data=${data} query=${query} refresh=${found.refresh} />`}<//>`;
}

function Whole({ data, query, refresh }) {
  const { incident, runs, approvals } = data;
  const waiting = approvals.filter((card) => card.state === "WAITING");
  const past = approvals.filter((card) => card.state !== "WAITING");
  const { run, turns, decision } = chosen(data, query.run);
  return html`
    <${Head} incident=${incident} others=${data.children} refresh=${refresh} />
    <div class="columns">
      <div class="stack">
        ${waiting.map((card) => html`<${ApprovalCard} key=${card.approval_id} card=${card} onChanged=${refresh} />`)}
        <${Panel} id="argument" title=${t("incident.argument")} aside=${html`<${Which} runs=${runs} chosen=${run?.run_id} />`}>
          ${run || turns.length ? html`<${Argument} turns=${withDecision(turns, decision)} going=${GOING.includes(run?.state) && !decision} />` : html`<p class="empty">${t("argument.none")}</p>`}
        <//>
        <${Executions} steps=${data.executions} />
        ${past.map((card) => html`<${ApprovalCard} key=${card.approval_id} card=${card} onChanged=${refresh} />`)}
        <${Panel} id="timeline" title=${t("timeline.label")} class="late"><${Timeline} items=${data.timeline} /><//>
      </div>
      <div class="stack">
        <${Panel} id="graph" title=${t("graph.title")}><${Graph} graph=${data.graph} /><//>
        <${Panel} id="evidence" title=${t("evidence.title")}><${Evidence} evidence=${data.evidence} cited=${citations(turns)} /><//>
        <${Said} acts=${data.acts} />
      </div>
    </div>
    <${Panel} id="runs" title=${t("nav.runs")} class="below"><${List} runs=${runs} /><//>
  `;
}

function Head({ incident, others, refresh }) {
  return html`<div class="head incident">
    <div class="line">
      <a href=${href("")} class="soft">${t("nav.war_room")}</a><span class="id soft"><bdi>${incident.incident_id}</bdi></span>
      <${State} group="severity" value=${incident.severity} /><${State} group="status" value=${incident.status} />
      ${incident.flapping && html`<${Badge}>${t("incident.flapping")}<//>`}
      ${(incident.quiet || []).map((kind) => html`<${Badge}>${t(`incident.quiet.${kind}`)}<//>`)}
    </div>
    <h1><${Outside} value=${incident.alert_type} most=${160} /> <${Outside} value=${incident.target_resource} most=${160} /></h1>
    <p><${Long} value=${incident.message} most=${300} /></p>
    <dl class="facts wide">
      <${Fact} name="namespace"><${Outside} value=${[incident.cluster, incident.namespace].filter(Boolean).join(" / ")} /><//>
      <${Fact} name="alerts">${number(incident.hit_count)}<//>
      <${Fact} name="opened"><${Ago} at=${incident.opened_at} /><//>
      <${Fact} name="last_seen"><${Ago} at=${incident.last_seen_at} /><//>
      ${incident.resolved_at && html`<${Fact} name="resolved"><${Ago} at=${incident.resolved_at} /><//>`}
      ${incident.generation > 0 && html`<${Fact} name="generation">${number(incident.generation)}<//>`}
      <${Fact} name="assignee"><bdi>${incident.assignee || t("incident.nobody")}</bdi><//>
      ${incident.acknowledged_by && html`<${Fact} name="acknowledged"><bdi>${incident.acknowledged_by}</bdi><//>`}
      ${incident.parent_incident_id && html`<${Fact} name="parent"><a class="id" href=${href("incidents", incident.parent_incident_id)}><bdi>${incident.parent_incident_id}</bdi></a><//>`}
      ${incident.children > 0 && html`<${Fact} name="children">${number(incident.children)} ${(others ?? []).slice(0, 5).map((id) => html`<a key=${id} class="id" href=${href("incidents", id)}><bdi>${id}</bdi></a> `)}<//>`}
      <${Fact} name="project"><bdi>${incident.project_id}</bdi><//>
    </dl>
    <${IncidentActs} incident=${incident} onDone=${refresh} />
  </div>`;
}

function Fact({ name, children }) {
  return html`<div><dt>${t(`incident.${name}`)}</dt><dd>${children}</dd></div>`;
}

// The run that is looked at: the one in the address, else the newest; the decision, where it is of this run.
function chosen({ runs, turns, decision }, wanted) {
  const newest = [...runs].sort((one, other) => String(other.created_at).localeCompare(String(one.created_at)))[0];
  const run = runs.find((each) => each.run_id === wanted) ?? newest;
  const mine = turns.filter((turn) => !run || turn.run_id === run.run_id);
  return { run, turns: mine, decision: run === newest ? decision : null };
}

function withDecision(turns, decision) {
  if (!decision || turns.some((turn) => turn.agent === "coordinator")) return turns;
  return [...turns, { agent: "coordinator", vote: decision.turn?.vote, failed: "", degraded: decision.all_agents_degraded, body: decision }];
}

function Which({ runs, chosen: run }) {
  if (runs.length < 2) return null;
  const options = runs.map((each) => [each.run_id, `${each.run_id} ${word("run_state", each.state)}`]);
  return html`<${Choice} bare label=${t("incident.run")} value=${run} options=${options} onChange=${(id) => replaceQuery({ run: id })} />`;
}

function Executions({ steps }) {
  if (!steps.length) return null;
  return html`<${Panel} id="executions" title=${t("execution.title")}>
    <ol class="timeline">${steps.map((step, at) => html`<li key=${at} data-step=${step.step}>
      <span class="when soft"><${Clock} at=${step.at} /></span>
      <span class="said">
        <span class="line"><strong>${word("execution", step.step)}</strong> <${Outside} value=${`${step.operation} ${step.target}`} /><${State} group="result" value=${step.result} />${step.undoes && html`<${Badge}>${t("execution.undoes")}<//>`}</span>
        ${step.reason && html`<span class="soft"><${Long} value=${word("reason", step.reason)} /></span>`}
      </span>
    </li>`)}</ol>
  <//>`;
}

function Said({ acts }) {
  return html`<${Panel} id="acts" title=${t("incident.acts")}>
    ${acts.length === 0 && html`<p class="empty">${t("incident.acts.none")}</p>`}
    <ol class="said-by-people">${acts.map((act, at) => html`<li key=${at}>
      <span class="line"><strong><bdi>${act.person}</bdi></strong> ${word("did", act.act)} ${act.assignee && html`<bdi>${act.assignee}</bdi>`} ${act.verdict && word("act.verdict", act.verdict)} <span class="soft push"><${Ago} at=${act.at} /></span></span>
      ${[act.text, act.note, act.reason, act.cause, act.service].filter(Boolean).map((said) => html`<p><${Long} value=${said} /></p>`)}
    </li>`)}</ol>
  <//>`;
}
