// Signed approvals, as docs/approvals.md has them: the action's hash and the compact JWS. No page, no network.

const FORM = "awoooi action 1";
const ISSUER = "awoooi"; // of keys that are registered here
const TYPE = "approval+jwt";
const LIFE_SECS = 300;

export const MOST_REASON = 1000;
export const WHOLE = 100_000; // characters that are shown; what is longer is not signed

export const ALGORITHMS = {
  EdDSA: { make: { name: "Ed25519" }, sign: { name: "Ed25519" }, parts: ["crv", "kty", "x"] },
  ES256: {
    make: { name: "ECDSA", namedCurve: "P-256" },
    sign: { name: "ECDSA", hash: "SHA-256" },
    parts: ["crv", "kty", "x", "y"],
  },
  RS256: {
    make: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    sign: { name: "RSASSA-PKCS1-v1_5" },
    parts: ["e", "kty", "n"],
  },
};

// What cannot be signed, for a reason that the catalogue has words for.
export class Unsigned extends Error {
  constructor(why, detail = "") {
    super(detail || why);
    Object.assign(this, { name: "Unsigned", why });
  }
}

// -- what is signed

// Canonical JSON (RFC 8785): a browser writes numbers and texts as it asks; names go by their UTF-16 units.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

export async function hashed(value) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical(value)));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Whether the card shows what its hash stands for. The card is the gateway's word; the hash is made here.
export async function isWhatItShows({ action, action_hash, to_sign, policy }) {
  if (to_sign?.form !== FORM || !action) return false;
  const { operation, target, parameters } = to_sign.action;
  const { id: _, ...place } = target;
  const shown = { operation: action.operation, target: action.target, parameters: action.parameters };
  const same = canonical(shown) === canonical({ operation, target: place, parameters });
  const sameUndo = (to_sign.undo?.operation ?? "") === (action.undo ?? "");
  const samePolicy = !policy?.hash || policy.hash === to_sign.policy_version;
  return same && sameUndo && samePolicy && (await hashed(to_sign)) === action_hash;
}

// -- the signature

// `hand`: {person, kid, algorithm, key}; `now` in whole seconds, by the gateway's clock.
export async function signed(card, { decision, reason, roles, hand, now }) {
  if (!(await isWhatItShows(card))) throw new Unsigned("other_hash");
  if (canonical(card.to_sign).length > WHOLE) throw new Unsigned("too_long");
  const ends = Math.floor(Date.parse(card.expires_at) / 1000);
  if (!(ends > now)) throw new Unsigned("expired");
  const header = { alg: hand.algorithm, kid: hand.kid, typ: TYPE };
  const claims = {
    iss: ISSUER,
    aud: card.audience,
    sub: hand.person,
    roles,
    decision,
    approval_id: card.approval_id,
    action_hash: card.action_hash,
    reason,
    iat: now,
    exp: Math.min(now + LIFE_SECS, ends),
    jti: crypto.randomUUID(),
  };
  const text = `${part(header)}.${part(claims)}`;
  const bytes = new TextEncoder().encode(text);
  const signature = await crypto.subtle.sign(ALGORITHMS[hand.algorithm].sign, hand.key, bytes);
  return `${text}.${base64url(new Uint8Array(signature))}`;
}

// -- keys

// One that never leaves: the browser signs with it and gives it to nobody, us included.
export async function makeKey() {
  for (const algorithm of ["EdDSA", "ES256"]) {
    const pair = await generated(algorithm);
    if (pair) return whole(algorithm, pair.privateKey, await publicJwk(pair.publicKey, algorithm));
  }
  throw new Unsigned("no_algorithm");
}

// A private key as `awoooi keys new` wrote it (PEM), or a JSON Web Key; kept so that it cannot be read out again.
export async function importKey(text) {
  const found = text.trim().startsWith("{") ? await ofJwk(text) : await ofPem(text);
  if (!found) throw new Unsigned("private_key");
  return found;
}

async function ofPem(text) {
  const [, name, body] = /-----BEGIN ([A-Z ]+)-----([\s\S]+?)-----END \1-----/.exec(text) ?? [];
  if (name === "ENCRYPTED PRIVATE KEY") throw new Unsigned("encrypted_key");
  if (name !== "PRIVATE KEY") return null;
  const bytes = ofBase64(body);
  if (!bytes) return null;
  for (const algorithm of Object.keys(ALGORITHMS)) {
    const readable = await imported("pkcs8", bytes, algorithm, true);
    if (readable) return ofReadable(await crypto.subtle.exportKey("jwk", readable), algorithm);
  }
  return null;
}

async function ofJwk(text) {
  const jwk = parsed(text);
  const algorithm = { Ed25519: "EdDSA", "P-256": "ES256" }[jwk?.crv] ?? (jwk?.kty === "RSA" ? "RS256" : "");
  return algorithm && jwk.d ? ofReadable(jwk, algorithm) : null;
}

async function ofReadable(jwk, algorithm) {
  const { key_ops: _, ext: __, use: ___, alg: ____, ...plain } = jwk;
  const key = await imported("jwk", plain, algorithm, false);
  return key && whole(algorithm, key, only(plain, ALGORITHMS[algorithm].parts));
}

async function whole(algorithm, key, jwk) {
  const thumbprint = await thumbprintOf(jwk);
  return { algorithm, key, jwk, thumbprint, kid: idOf(thumbprint) };
}

// RFC 7638.
export async function thumbprintOf(jwk) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonical(jwk)));
  return base64url(new Uint8Array(digest));
}

// As the registry names a key: no command takes it for an option.
export const idOf = (thumbprint) => (thumbprint.startsWith("-") ? `_${thumbprint}` : thumbprint);

async function publicJwk(key, algorithm) {
  return only(await crypto.subtle.exportKey("jwk", key), ALGORITHMS[algorithm].parts);
}

async function generated(algorithm) {
  try {
    return await crypto.subtle.generateKey(ALGORITHMS[algorithm].make, false, ["sign", "verify"]);
  } catch {
    return null; // this browser has it not
  }
}

async function imported(form, bytes, algorithm, readable) {
  try {
    return await crypto.subtle.importKey(form, bytes, ALGORITHMS[algorithm].make, readable, ["sign"]);
  } catch {
    return null; // of another kind
  }
}

const only = (jwk, names) => Object.fromEntries(names.map((name) => [name, jwk[name]]));

const part = (value) => base64url(new TextEncoder().encode(JSON.stringify(value)));

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function ofBase64(text) {
  try {
    return Uint8Array.from(atob(text.replace(/\s+/g, "")), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
