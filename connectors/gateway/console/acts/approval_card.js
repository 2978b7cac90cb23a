// What people are asked to sign, all of it, and signing it here.

import { gatewayNow } from "../api.js";
import { t, word } from "../i18n.js";
import { cut, number, percent } from "../format.js";
import { href } from "../router.js";
import { session } from "../session.js";
import { Ago, Badge, Button, Clock, Long, Outside, State, useTick } from "../ui.js";
import { html, useEffect, useState } from "../view.js";
import { Exact, Undo } from "./exact.js";
import { isWhatItShows } from "./signing.js";
import { SignDialog } from "./sign_dialog.js";

export function ApprovalCard({ card, onChanged = () => {} }) {
  const [decision, setDecision] = useState("");
  const waits = card.state === "WAITING";
  const left = useLeft(waits ? card.expires_at : null);
  const mine = card.signed.some(({ person }) => person === session.get()?.person); // nobody signs twice, or takes it back
  const title = `approval-${card.approval_id}`;
  return html`<article class=${`panel approval ${card.risk}`} aria-labelledby=${title}>
    <header>
      <h2 id=${title}><${Outside} value=${card.action.text} most=${300} /></h2>
      <span class="line">
        <${State} group="risk" value=${card.risk} />
        <${State} group="approval_state" value=${card.state} />
        ${waits && html`<${Left} secs=${left} />`}
      </span>
    </header>
    <p class="line soft">
      <a class="id" href=${href("approvals", card.approval_id)}><${Outside} value=${card.approval_id} /></a>
      <span><${Outside} value=${card.project_id} /></span>
      <${Ago} at=${card.created_at} />
    </p>
    ${card.state_reason && html`<p class="notice"><${Outside} value=${card.state_reason} most=${400} /></p>`}
    <div class="facts">
      <${What} card=${card} />
      <${Why} card=${card} />
      <${Reach} card=${card} />
      <${Preflight} preflight=${card.preflight} />
      <${Signatures} card=${card} />
    </div>
    <footer class="line">
      ${waits && mine && html`<span class="soft">${t("approval.mine")}</span>`}
      ${waits && left > 0 && !mine && html`
        <${Button} kind="primary" onClick=${() => setDecision("approve")}>${t("approval.approve")}<//>
        <${Button} kind="danger" onClick=${() => setDecision("reject")}>${t("approval.reject")}<//>`}
      <${Hash} card=${card} />
    </footer>
    ${decision && html`<${SignDialog} card=${card} decision=${decision} onClose=${() => setDecision("")} onChanged=${onChanged} />`}
  </article>`;
}

function Fact({ label, children }) {
  return html`<section class="fact"><h3>${label}</h3>${children}</section>`;
}

function What({ card }) {
  const { action } = card;
  return html`<${Fact} label=${t("approval.what")}>
    <${Exact} step=${action} />
    ${action.command && html`<pre><${Long} value=${action.command} /></pre>`}
    ${action.expected_effect && html`<p><span class="soft">${t("approval.effect")}</span> <${Outside} value=${action.expected_effect} most=${400} /></p>`}
    <${Undo} card=${card} />
    ${(action.warnings ?? []).map((warning) => html`<p class="warning"><${Outside} value=${warning} most=${400} /></p>`)}
  <//>`;
}

function Why({ card }) {
  return html`<${Fact} label=${t("approval.why")}>
    ${card.cause && html`<p><${Long} value=${card.cause} /></p>`}
    ${card.confidence != null && html`<p class="soft">${t("approval.confidence", { share: percent(card.confidence) })}</p>`}
    ${card.why && html`<p><${Long} value=${card.why} /></p>`}
    ${card.proposed_by && html`<p class="soft">${t("approval.proposed_by")} <${Outside} value=${card.proposed_by} /></p>`}
  <//>`;
}

function Reach({ card }) {
  const { services, count } = card.blast_radius;
  return html`<${Fact} label=${t("approval.reach")}>
    <p><${State} group="risk" value=${card.risk} /> ${t("approval.blast", { count })}</p>
    ${services.length > 0 && html`<ul class="chips">${services.map((service) => html`<li key=${service}><${Outside} value=${service} most=${80} /></li>`)}</ul>`}
    ${(card.risk_parts ?? []).map((part) => html`<p class="soft"><${Outside} value=${part} most=${300} /></p>`)}
    <p><span class="soft">${t("approval.money")}</span> ${card.money ? html`${card.money.usd != null && t("approval.money.usd", { usd: number(card.money.usd) })} <small><${Outside} value=${card.money.basis} /></small>` : t("approval.money.none")}</p>
    <p class="soft">${t("approval.policy", { version: card.policy.version })} <code><${Outside} value=${card.policy.rule} /></code></p>
  <//>`;
}

const TONES = { passed: "good", failed: "bad", unavailable: "warn" };

function Preflight({ preflight }) {
  return html`<${Fact} label=${t("approval.preflight")}>
    <p><${Badge} tone=${TONES[preflight.result] ?? "calm"}><${Outside} value=${word("preflight", preflight.result)} most=${60} /><//></p>
    <ul class="checks">
      ${preflight.checks.map((check) => html`<li key=${check.name} class=${check.passed ? "good" : "bad"}>
        <span aria-hidden="true">${check.passed ? "✓" : "✗"}</span><span class="unseen">${t(check.passed ? "approval.check.passed" : "approval.check.failed")}</span>
        <span><${Outside} value=${check.name} />${check.detail && html` <small><${Outside} value=${check.detail} most=${300} /></small>`}</span>
      </li>`)}
    </ul>
  <//>`;
}

function Signatures({ card }) {
  const needed = cut(card.roles_needed.map((role) => word("signer_role", role)).join(t("ui.comma")), 200);
  return html`<${Fact} label=${t("approval.signatures", { have: card.required - card.missing, of: card.required })}>
    <ul class="signed">
      ${card.signed.map((one) => html`<li key=${one.jti}>
        <${Badge} tone=${one.decision === "approve" ? "good" : "bad"}><${Outside} value=${word("decision", one.decision)} most=${60} /><//>
        <strong><${Outside} value=${one.person} /></strong> <${Clock} at=${one.at} />
        ${one.reason && html`<br /><${Outside} value=${one.reason} most=${400} />`}
      </li>`)}
    </ul>
    ${card.state === "WAITING" && card.missing > 0 && html`<p>${t(card.each_role ? "approval.still_each" : "approval.still", { count: card.missing, roles: needed })}</p>`}
  <//>`;
}

// The hash is made here, from what stands above: what does not match cannot be signed.
function Hash({ card }) {
  const [is, setIs] = useState(null);
  useEffect(() => void isWhatItShows(card).then(setIs, () => setIs(false)), [card]);
  const [tone, key] = is === null ? ["soft", "approval.hash.making"] : is ? ["soft", "approval.hash.same"] : ["bad", "approval.hash.other"];
  return html`<p class=${`hash push ${tone}`} role=${is === false ? "alert" : null}>
    ${t(key)} <code><${Outside} value=${String(card.action_hash).slice(0, 12)} /></code>
  </p>`;
}

function Left({ secs }) {
  if (secs <= 0) return html`<${Badge} tone="bad">${t("approval.expired")}<//>`;
  const [minutes, rest] = [Math.floor(secs / 60), secs % 60];
  const shown = minutes >= 120 ? t("approval.left.hours", { n: Math.floor(minutes / 60) }) : `${minutes}:${String(rest).padStart(2, "0")}`;
  return html`<span class=${`left ${secs < 300 ? "bad" : "soft"}`} role="timer" aria-label=${t("approval.time_left")}>${shown}</span>`;
}

function useLeft(until) {
  useTick(until ? 1000 : 0);
  return until ? Math.floor((Date.parse(until) - gatewayNow()) / 1000) : 0;
}
