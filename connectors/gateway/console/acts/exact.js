// An action as it is signed: operation, target and parameters, word for word and whole. Everything else is description.

import { t } from "../i18n.js";
import { Outside } from "../ui.js";
import { html } from "../view.js";
import { WHOLE } from "./signing.js";

export function Exact({ step, label = t("approval.what") }) {
  const { cluster, namespace, kind, name } = step.target ?? {};
  const place = [cluster, namespace, kind].filter(Boolean).join("/");
  return html`<div class="exact" role="group" aria-label=${label} tabindex="0">
    <p><code><${All} value=${step.operation} /></code></p>
    <p><span class="soft"><${All} value=${place} /></span> <strong><${All} value=${name} /></strong></p>
    ${Object.entries(step.parameters ?? {}).map(([key, value]) => html`<p key=${key}><span class="soft"><${All} value=${key} /></span> <code><${All} value=${plain(value)} /></code></p>`)}
  </div>`;
}

// What takes it back: it is signed with it. Without anything to sign, what the card says of it.
export function Undo({ card }) {
  const step = card.to_sign?.undo;
  const label = t("approval.undo");
  if (step) return html`<p class="soft">${label}</p><${Exact} step=${step} label=${label} />`;
  return html`<p><span class="soft">${label}</span> ${card.action.undo ? html`<code><${Outside} value=${card.action.undo} /></code>` : t("approval.undo.none")}</p>`;
}

function All({ value }) {
  return html`<${Outside} value=${value} most=${WHOLE} />`;
}

const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));
