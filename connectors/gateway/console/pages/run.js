// One run: what it cost, what it did step by step, and everything that happened in one timeline.

import { duration, money, number } from "../format.js";
import { named, t, word } from "../i18n.js";
import { useKey } from "../keyboard.js";
import { Timeline } from "../parts/timeline.js";
import { go, href } from "../router.js";
import { Ago, Answered, Badge, Clock, Long, Outside, Panel, State, Table, useQuery } from "../ui.js";
import { html, useEffect } from "../view.js";

export function RunPage({ id }) {
  const found = useQuery(`/runs/${encodeURIComponent(id)}`, { about: (event) => event.run_id === id });
  useKey("u", "keys.back", () => go("runs"));
  useEffect(() => void (document.title = t("run.title", { id })));
  return html`<${Answered} of=${found}>${(data) => html`<${Whole} data=${data} />`}<//>`;
}

function Whole({ data }) {
  return html`
    <${Head} run=${data.run} />
    <div class="columns even">
      <${Panel} id="timeline" title=${t("timeline.label")} class="late"><${Timeline} items=${data.timeline} total=${data.counts.timeline} /><//>
      <div class="stack">
        <${Panel} id="steps" title=${t("run.steps")}><${Steps} steps=${data.steps} /><//>
        <${Panel} id="tools" title=${t("run.tools")}><${Tools} calls=${data.tool_calls} /><//>
        <${Panel} id="remediation" title=${t("run.remediations")}><${Remediations} records=${data.remediation} /><//>
        <${Panel} id="messages" title=${t("run.messages")}><${Messages} messages=${data.messages} /><//>
      </div>
    </div>
  `;
}

function Head({ run }) {
  const took = run.completed_at && run.started_at ? duration(new Date(run.completed_at) - new Date(run.started_at)) : "";
  const facts = {
    reason: word("reason", run.reason),
    trigger: word("reason", run.trigger_type),
    agent: html`<${Outside} value=${word("agent", run.agent)} />`,
    created: html`<${Ago} at=${run.created_at} />`,
    started: run.started_at && html`<${Clock} at=${run.started_at} />`,
    completed: run.completed_at && html`<${Clock} at=${run.completed_at} />`,
    took,
    deadline: run.timeout_at && html`<${Clock} at=${run.timeout_at} />`,
    cost: money(run.cost_usd),
    attempts: t("run.attempts.of", { n: run.attempts, most: run.max_attempts }),
    remediation: word("remediation", run.remediation_status),
    project: html`<bdi>${run.project_id}</bdi>`,
    trace: run.trace_id && html`<span class="id"><bdi>${run.trace_id}</bdi></span>`,
  };
  return html`<div class="head">
    <div class="line"><a href=${href("runs")} class="soft">${t("nav.runs")}</a><${State} group="run_state" value=${run.state} />${run.shadow && html`<${Badge}>${t("run.shadow")}<//>`}</div>
    <h1 class="id"><bdi>${run.run_id}</bdi></h1>
    <p class="line">${run.incident_ids.map((id) => html`<a key=${id} class="id" href=${href("incidents", id, { run: run.run_id })}><bdi>${id}</bdi></a>`)}</p>
    ${run.error_code && html`<p class="notice bad"><strong><${Outside} value=${run.error_code} /></strong> <${Long} value=${run.error_detail} /></p>`}
    <dl class="facts wide">${Object.entries(facts).map(([name, value]) => value && html`<div key=${name}><dt>${t(`run.${name}`)}</dt><dd>${value}</dd></div>`)}</dl>
    <p class="line soft">${run.gate_totals.map((each) => html`<span key=${`${each.gate} ${each.outcome}`}><${Outside} value=${each.gate} /> ${word("outcome", each.outcome)} ${number(each.count)}</span>`)}</p>
  </div>`;
}

function Steps({ steps }) {
  const columns = [
    { label: t("step.number"), class: "number", cell: (step) => number(step.number) },
    { label: t("step.at"), cell: (step) => html`<${Clock} at=${step.at} />` },
    { label: t("step.who"), cell: (step) => html`${step.by_person ? html`<strong><${Outside} value=${step.who} /></strong>` : html`<${Outside} value=${word("agent", step.who)} />`}` },
    { label: t("step.what"), cell: (step) => html`<${Outside} value=${named("event", step.kind, step.what)} /> ${step.reason && html`<span class="soft"><${Outside} value=${step.reason} most=${128} /></span>`}` },
  ];
  return steps.length ? html`<${Table} label=${t("run.steps")} columns=${columns} rows=${steps} id=${(step) => step.number} />` : html`<p class="empty">${t("ui.none")}</p>`;
}

function Tools({ calls }) {
  const columns = [
    { label: t("tool.name"), cell: (call) => html`<span class="id"><${Outside} value=${call.tool} /></span>` },
    { label: t("tool.agent"), cell: (call) => html`<${Outside} value=${word("agent", call.agent)} />` },
    { label: t("tool.status"), cell: (call) => html`<${State} group="call" value=${call.status} /> ${call.blocked_by && html`<${Outside} value=${call.blocked_by} />`}` },
    { label: t("tool.gates"), cell: (call) => html`<${Gates} gates=${call.gates} />` },
    { label: t("tool.took"), class: "number", cell: (call) => duration(call.latency_ms) },
  ];
  return calls.length ? html`<${Table} label=${t("run.tools")} columns=${columns} rows=${calls} id=${(call) => call.call_id} />` : html`<p class="empty">${t("ui.none")}</p>`;
}

// How many it passed; the one that held it back by name.
function Gates({ gates }) {
  const names = gates.map((gate) => gate.name).join(t("ui.comma"));
  const held = gates.filter((gate) => !gate.passed);
  return html`<span title=${names}>${t("tool.passed", { n: gates.length - held.length })}</span>${held.map((gate) => html` <${Badge} tone="bad"><${Outside} value=${gate.name} /><//> <${Outside} value=${gate.why} />`)}`;
}

function Remediations({ records }) {
  const columns = [
    { label: t("step.at"), cell: (one) => html`<${Clock} at=${one.at} />` },
    { label: t("tool.name"), cell: (one) => html`<span class="id"><${Outside} value=${one.tool} /></span>` },
    { label: t("remediation.scope"), cell: (one) => word("scope", one.scope) },
    { label: t("tool.status"), cell: (one) => html`<${Badge} tone=${one.success && one.allowed ? "good" : "bad"}>${t(one.allowed ? (one.success ? "remediation.worked" : "remediation.failed") : "remediation.refused")}<//>` },
    { label: t("remediation.verification"), cell: (one) => html`<${Outside} value=${one.verification} />` },
  ];
  return records.length ? html`<${Table} label=${t("run.remediations")} columns=${columns} rows=${records} />` : html`<p class="empty">${t("ui.none")}</p>`;
}

function Messages({ messages }) {
  const all = [...messages.inbound, ...messages.outbound].sort((one, other) => String(one.at).localeCompare(String(other.at)));
  if (!all.length) return html`<p class="empty">${t("ui.none")}</p>`;
  return html`<ol class="timeline">${all.map((one) => html`<li key=${one.message_id}>
    <span class="when soft"><${Clock} at=${one.at} /></span>
    <span class="said"><span class="line"><strong><${Outside} value=${one.title || one.channel} /></strong><${State} group="message" value=${one.status} />${one.duplicate && html`<${Badge}>${t("message.duplicate")}<//>`}</span><${Long} value=${one.text} /></span>
  </li>`)}</ol>`;
}
