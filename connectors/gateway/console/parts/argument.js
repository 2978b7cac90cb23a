// The five agents' argument, turn by turn, as it unfolds; who has not spoken yet is seen to be thinking, or silent.

import { duration, money, percent } from "../format.js";
import { t, word } from "../i18n.js";
import { Badge, Clock, Long, Outside, State } from "../ui.js";
import { html } from "../view.js";
import { Cites } from "./citations.js";

export const AGENTS = ["diagnostician", "solver", "reviewer", "critic", "coordinator"];
const BODIES = { diagnostician: Diagnosis, solver: Plan, reviewer: Review, critic: Critique, coordinator: Decision };

// `going`: the run has not ended, so who is silent may still speak.
export function Argument({ turns, going }) {
  const said = Object.fromEntries(turns.map((turn) => [turn.agent, turn]));
  return html`<ol class="argument" aria-live="polite">
    ${AGENTS.map((agent) => html`<li key=${agent} class=${said[agent] ? "spoke" : "silent"} data-agent=${agent}>
      ${said[agent] ? html`<${Turn} turn=${said[agent]} />` : html`<${Silence} agent=${agent} going=${going} />`}
    </li>`)}
  </ol>`;
}

function Silence({ agent, going }) {
  return html`<header><h3>${word("agent", agent)}</h3><span class="soft">${going && html`<span class="dots" aria-hidden="true"></span>`}${t(going ? "argument.thinking" : "argument.silent")}</span></header>`;
}

function Turn({ turn }) {
  const { usage = {}, latency_ms, notes = [], dropped_claims } = turn.body?.turn ?? {};
  const Body = BODIES[turn.agent];
  return html`
    <header>
      <h3>${word("agent", turn.agent)}</h3>
      <${State} group="vote" value=${turn.vote} />
      ${turn.degraded && html`<${Badge} tone="warn">${t("argument.degraded")}<//>`}
      <span class="soft push"><${Model} usage=${usage} /> ${latency_ms !== undefined && duration(latency_ms)} <${Clock} at=${turn.at} /></span>
    </header>
    ${turn.failed ? html`<p class="notice bad">${t("argument.failed")} <${Outside} value=${turn.failed} /></p>` : turn.body && Body && html`<${Body} body=${turn.body} />`}
    ${notes.map((note) => html`<p class="soft"><${Long} value=${note} /></p>`)}
    ${dropped_claims > 0 && html`<p class="soft">${t("argument.dropped", { count: dropped_claims })}</p>`}
  `;
}

function Model({ usage }) {
  const name = [usage.provider, usage.model].filter(Boolean).join(" ");
  return html`<${Outside} value=${name} most=${60} />${usage.cost_usd > 0 && html` ${money(usage.cost_usd)}`}`;
}

function Diagnosis({ body }) {
  const { summary, hypotheses = [] } = body.diagnosis ?? {};
  return html`
    <p><${Long} value=${summary} /></p>
    <ol class="claims">${hypotheses.map((each) => html`<${Hypothesis} key=${each.id} of=${each} />`)}</ol>
  `;
}

function Hypothesis({ of }) {
  return html`<li id=${`said-${of.id}`} tabindex="-1">
    <span class="line"><span class="id soft"><bdi>${of.id}</bdi></span><meter min="0" max="1" value=${of.confidence} aria-label=${t("argument.confidence")}></meter><span>${percent(of.confidence)}</span>${of.service && html`<${Badge}><${Outside} value=${of.service} most=${60} /><//>`}</span>
    <span><${Long} value=${of.cause} /></span>
    <span class="line soft"><${Cites} ids=${of.evidence} from=${of.id} label=${t("argument.for")} /><${Cites} ids=${of.against} from=${of.id} label=${t("argument.against")} /></span>
  </li>`;
}

function Plan({ body }) {
  const { summary, actions = [] } = body.plan ?? {};
  return html`<p><${Long} value=${summary} /></p><ol class="claims">${actions.map((each) => html`<${Action} key=${each.id} of=${each} />`)}</ol>`;
}

export function Action({ of }) {
  const { target = {}, operation } = of.step ?? {};
  return html`<li id=${`said-${of.id}`} tabindex="-1">
    <span class="line"><span class="id soft"><bdi>${of.id}</bdi></span><${State} group="risk" value=${of.risk} /><strong><${Outside} value=${operation} /></strong> <${Outside} value=${target.name} />
      <span class="soft">${t("argument.blast", { n: of.blast_radius })}</span>${of.human_only && html`<${Badge} tone="warn">${t("argument.human_only")}<//>`}</span>
    <span><${Long} value=${of.description} /></span>
    ${of.command && html`<pre><code><${Long} value=${of.command} /></code></pre>`}
    ${of.expected_effect && html`<span class="soft">${t("argument.effect")} <${Long} value=${of.expected_effect} /></span>`}
    <span class="soft">${of.undo ? html`${t("argument.undo")} <${Outside} value=${of.undo.operation} />` : t("argument.no_undo")}</span>
    ${(of.warnings ?? []).map((each) => html`<span class="warned"><${Long} value=${each} /></span>`)}
    <span class="line soft"><${Cites} ids=${of.evidence} from=${of.id} label=${t("argument.for")} /></span>
  </li>`;
}

function Review({ body }) {
  const { violations = [], concerns = [], blast_radius } = body;
  return html`
    <p class="soft">${t("argument.blast", { n: blast_radius })}</p>
    <ul class="claims">
      ${violations.map((each) => html`<li class="broken"><strong><${Outside} value=${each.rule} /></strong> <${Outside} value=${each.where} /> <${Long} value=${each.why} /></li>`)}
      ${concerns.map((each) => html`<li><${Long} value=${each} /></li>`)}
    </ul>
    ${violations.length + concerns.length === 0 && html`<p>${t("argument.no_concern")}</p>`}
  `;
}

function Critique({ body }) {
  const { challenges = [], confidence } = body;
  return html`
    <p class="soft">${t("argument.left", { share: percent(confidence) })}</p>
    <ol class="claims">${challenges.map((each, at) => html`<li id=${`said-Q${at + 1}`} tabindex="-1">
      <span class="line"><${State} group="gravity" value=${each.severity} /><span class="soft">${word("about", each.about)}</span></span>
      <span><${Long} value=${each.question} /></span>
      <span class="line soft"><${Cites} ids=${each.evidence} from=${`Q${at + 1}`} label=${t("argument.rests")} /></span>
    </li>`)}</ol>
  `;
}

function Decision({ body }) {
  const { branch, hypothesis, recommended_action: action, confidence, debate_summary, blocked_reason, missing = [] } = body;
  return html`
    <p class="line"><strong>${word("branch", branch)}</strong><span>${t("argument.sure", { share: percent(confidence) })}</span>${body.requires_human_approval && html`<${Badge} tone="warn">${t("argument.person")}<//>`}</p>
    ${hypothesis && html`<p>${t("argument.cause")} <${Long} value=${hypothesis.cause} /> <span class="line soft"><${Cites} ids=${hypothesis.evidence} from="decision" label=${t("argument.for")} /></span></p>`}
    ${action && html`<p>${t("argument.recommended")} <strong><${Outside} value=${action.step?.operation} /></strong> <${Outside} value=${action.step?.target?.name} /></p>`}
    ${blocked_reason && html`<p class="warned"><${Long} value=${blocked_reason} /></p>`}
    <p class="soft" id="said-decision" tabindex="-1"><${Long} value=${debate_summary} /></p>
    ${missing.length > 0 && html`<p class="warned">${t("argument.missing")} ${missing.map((each) => word("agent", each)).join(t("ui.comma"))}</p>`}
  `;
}
