// A person's signature, for or against: what it says, with which key, and what became of it.

import { t, word } from "../i18n.js";
import { href } from "../router.js";
import { session } from "../session.js";
import { Button, Dialog, Field, Outside, Problem } from "../ui.js";
import { html, useEffect, useRef, useState } from "../view.js";
import { Exact, Undo } from "./exact.js";
import { gatewayTime, handIn, registered, useSigner } from "./signer.js";
import { MOST_REASON, signed } from "./signing.js";
import { toast } from "./toast.js";

const KNOWN = [200, 202, 404, 409, 422, 429, 0];

export function SignDialog({ card, decision, onClose, onChanged }) {
  const { known, hand, problem } = useSigner();
  const [reason, setReason] = useState("");
  const [roles, setRoles] = useState(null);
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState(null);
  const key = registered(known, hand);
  const mine = roles ?? known?.roles ?? [];
  const why = whyNot(known, hand, key);
  const here = useRef(true);
  useEffect(() => () => void (here.current = false), []);

  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    const found = await outcomeOf(card, { decision, reason: reason.trim(), roles: mine, hand: { ...hand, kid: key.kid } });
    setOutcome(found);
    setBusy(false);
    if (session.get()?.person !== hand.person) return; // it is nobody else's to know
    if (found.counts || !here.current) toast.set(html`<a href=${href("approvals", card.approval_id)}>${t(found.key, found.values)}</a>`); // card or dialog may be gone
    onChanged();
  };
  const done = outcome?.counts;

  return html`<${Dialog} title=${t(`sign.${decision}`)} onClose=${onClose}>
    <h3>${t("sign.exactly")}</h3>
    <${Exact} step=${card.action} />
    <${Undo} card=${card} />
    <p class="soft"><${Outside} value=${card.action.text} most=${300} /></p>
    <${Problem} problem=${problem} again />
    ${why && !(problem && why === "loading") && html`<${CannotSign} why=${why} />`}
    ${!why && !done && html`<form onSubmit=${submit}>
      <${Field} label=${t("sign.reason")} hint=${decision === "approve" ? t("ui.optional") : t("sign.reason.hint")}>
        <textarea name="reason" maxlength=${MOST_REASON} value=${reason} required=${decision === "reject"} onInput=${(event) => setReason(event.target.value)}></textarea>
      <//>
      ${known.roles.length > 1 && html`<${Roles} all=${known.roles} chosen=${mine} onChange=${setRoles} />`}
      <p class="soft">${t("sign.as")} <strong><${Outside} value=${known.person} /></strong>, ${t("sign.key")} <code>${key.kid.slice(0, 16)}</code></p>
      <${Outcome} outcome=${outcome} />
      <div class="line">
        <button class=${`button ${decision === "approve" ? "primary" : "danger"}`} type="submit" disabled=${busy || !mine.length} aria-busy=${busy}>${t(`sign.${decision}.do`)}</button>
        <${Button} disabled=${busy} onClick=${onClose}>${t("ui.cancel")}<//>
      </div>
    </form>`}
    ${done && html`<${Outcome} outcome=${outcome} /><${Button} kind="primary" onClick=${onClose}>${t("ui.close")}<//>`}
  <//>`;
}

function whyNot(known, hand, key) {
  if (!globalThis.crypto?.subtle) return "insecure";
  if (!known || hand === undefined) return "loading";
  if (!known.roles.length) return "no_signer";
  if (!hand) return "no_key";
  if (!key) return "unknown_key";
  return key.state === "in_force" ? "" : key.state;
}

function CannotSign({ why }) {
  if (why === "loading") return html`<p class="waiting" role="status">${t("ui.loading")}</p>`;
  return html`<div class="notice warn" role="status"><span>${t(`sign.cannot.${why}`)}</span> <a href=${href("keys")}>${t("nav.keys")}</a></div>`;
}

function Roles({ all, chosen, onChange }) {
  const toggle = (role) => onChange(chosen.includes(role) ? chosen.filter((one) => one !== role) : [...chosen, role]);
  return html`<fieldset class="roles"><legend>${t("sign.roles")}</legend>
    ${all.map((role) => html`<label class="check" key=${role}><input type="checkbox" checked=${chosen.includes(role)} onChange=${() => toggle(role)} /> ${word("signer_role", role)}</label>`)}
  </fieldset>`;
}

function Outcome({ outcome }) {
  if (!outcome) return null;
  return html`<div class=${`notice ${outcome.tone}`} role="alert" data-outcome=${outcome.status}>
    <strong>${t(outcome.key, outcome.values)}</strong>
    ${outcome.detail && html`<${Outside} value=${outcome.detail} most=${400} />`}
  </div>`;
}

async function outcomeOf(card, wish) {
  let token;
  try {
    token = await signed(card, { ...wish, now: await gatewayTime() });
  } catch (error) {
    if (error.name === "Unsigned") return { tone: "bad", key: `sign.cannot.${error.why}`, status: error.why };
    if (error.name !== "Problem") return { tone: "bad", key: "sign.cannot.failed", detail: String(error.message), status: "failed" }; // of the browser's own
    return refused(error);
  }
  return handIn(card.approval_id, token).then(told).catch(refused);
}

function refused(problem) {
  const status = KNOWN.includes(problem.status) ? problem.status : "later";
  return { tone: "bad", key: `sign.answer.${status}`, detail: problem.detail, status };
}

function told({ status, state, signed_by: people }) {
  const values = { state: word("approval_state", state), people: (people ?? []).join(t("ui.comma")) };
  return { tone: status === 200 ? "good" : "warn", key: `sign.answer.${status}`, values, counts: true, status };
}
