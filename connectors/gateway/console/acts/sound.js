// A short sound when a new approval waits, and words for who does not hear it. It can be muted.

import { t } from "../i18n.js";
import { listen } from "../live.js";
import { href } from "../router.js";
import { kept, useStore } from "../store.js";
import { Outside } from "../ui.js";
import { html, useEffect, useState } from "../view.js";
import { Toast, toast } from "./toast.js";

const NOTES = [[660, 0], [880, 0.16]]; // hertz, seconds
const LENGTH_SECS = 0.22;
const LOUDNESS = 0.12;

export const sound = kept(localStorage, "sound", "on");

let context = null;

// Browsers let a page sound only after its person has done something there.
for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, () => void awake(), { once: true });

export function Sound() {
  const [rung, setRung] = useState(0);
  const on = useStore(sound) !== "off";
  useEffect(() => listen((event) => {
    if (event.kind !== "new_approval") return;
    toast.set(html`<a href=${href("approvals", event.id)}><strong>${t("sound.new")}</strong> <${Outside} value=${event.action} most=${100} /></a>`);
    if (sound.get() !== "off" && ring()) setRung((count) => count + 1);
  }), []);
  const toggle = () => {
    sound.set(on ? "off" : "on");
    if (!on) ring();
  };
  return html`<button type="button" class="sound" aria-pressed=${on} data-rung=${rung} title=${t(on ? "sound.on" : "sound.off")} aria-label=${t("sound.label")} onClick=${toggle}>
      <${Bell} on=${on} />
    </button>
    <${Toast} />`;
}

function Bell({ on }) {
  return html`<svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
    <path d="M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 20a2 2 0 0 0 4 0" />
    ${!on && html`<path d="M4 3 21 21" />`}
  </svg>`;
}

function awake() {
  const Audio = globalThis.AudioContext;
  if (!context && Audio) context = new Audio();
  return context?.state === "suspended" ? context.resume() : null;
}

// Whether there is anything to sound with.
function ring() {
  awake();
  if (!context) return false;
  for (const [hertz, after] of NOTES) note(hertz, context.currentTime + after);
  return true;
}

function note(hertz, at) {
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(LOUDNESS, at);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + LENGTH_SECS);
  tone.connect(volume).connect(context.destination);
  tone.start(at);
  tone.stop(at + LENGTH_SECS);
}
