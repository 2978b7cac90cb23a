// One line that outlives the card it is about: what arrived, and what became of what one did.

import { token } from "../session.js";
import { store, useStore } from "../store.js";
import { html, useEffect } from "../view.js";

const SHOWN_MS = 12_000;

export const toast = store(null); // what to show, as a view; null: nothing

token.follow((now) => now || toast.set(null)); // it is not for the next person in this tab

export function Toast() {
  const latest = useStore(toast);
  useEffect(() => {
    const timer = latest ? setTimeout(() => toast.set(null), SHOWN_MS) : 0;
    return () => clearTimeout(timer);
  }, [latest]);
  return html`<div class="toast" role="status">${latest}</div>`;
}
