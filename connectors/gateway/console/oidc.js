// Log-in at the organisation's issuer: code flow with PKCE (RFC 7636), nothing secret in this page.

import { Problem } from "./api.js";
import { land } from "./router.js";
import { read, write } from "./store.js";

const HERE = () => new URL("/console/", location.origin).href;

export async function leave(config) {
  const verifier = random(48);
  const state = random(24);
  write(sessionStorage, "oidc", JSON.stringify({ verifier, state, back: location.hash }));
  const asked = new URL(config.authorization_endpoint);
  const challenge = base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  const values = {
    response_type: "code",
    client_id: config.client_id,
    redirect_uri: HERE(),
    scope: config.scope,
    state,
    code_challenge: challenge,
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(values)) asked.searchParams.set(name, value);
  location.assign(asked);
}

// The token, where this page was just come back to from the issuer; else null.
export async function comeBack(config) {
  const told = new URLSearchParams(location.search);
  const kept = JSON.parse(read(sessionStorage, "oidc") || "null");
  if (!kept || !told.has("state")) return null;
  write(sessionStorage, "oidc", null);
  land(kept.back);
  if (told.get("state") !== kept.state) throw new Problem(401, "state");
  if (told.has("error")) throw new Problem(401, told.get("error_description") || told.get("error"));
  return exchanged(config, told.get("code"), kept.verifier);
}

async function exchanged(config, code, verifier) {
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: config.client_id,
    redirect_uri: HERE(),
    code,
    code_verifier: verifier,
  });
  const answer = await fetch(config.token_endpoint, { method: "POST", body, credentials: "omit" });
  const told = await answer.json().catch(() => ({}));
  const token = told[config.token];
  if (!answer.ok || !token) throw new Problem(answer.status, told.error_description || told.error || "");
  return token;
}

function random(bytes) {
  return base64url(crypto.getRandomValues(new Uint8Array(bytes)));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
