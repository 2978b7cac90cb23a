// An action as it is signed: operation, target and parameters, word for word. Everything else about it is description.

import { Outside } from "../ui.js";
import { html } from "../view.js";

export function Exact({ step }) {
  const { cluster, namespace, kind, name } = step.target;
  const place = [cluster, namespace, kind].filter(Boolean).join("/");
  return html`<div class="exact">
    <p><code><${Outside} value=${step.operation} /></code></p>
    <p><span class="soft"><${Outside} value=${place} /></span> <strong><${Outside} value=${name} /></strong></p>
    ${Object.entries(step.parameters ?? {}).map(([key, value]) => html`<p key=${key}><span class="soft"><${Outside} value=${key} /></span> <code><${Outside} value=${plain(value)} most=${1000} /></code></p>`)}
  </div>`;
}

const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));
