"""The checks that a signature goes through, each with the one reason it refuses for.

The token is believed in nothing: the key comes from our registry, the algorithm from the key, the person and
the roles from us.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from streams.policy.exam import Exam
from streams.policy.jwk import KEY_ID
from streams.policy.people import Role, same_person
from streams.policy.refusals import Refusal
from streams.policy.signers import OWN_ISSUER, Standing

TYPE = "approval+jwt"
HEADER = frozenset({"alg", "kid", "typ"})
APPROVE, REJECT = "approve", "reject"
MOST_REASON = 1000
_KEYS_IN_HEADER = ("jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256")
_TEXTS = ("iss", "sub", "decision", "approval_id", "action_hash", "reason", "jti")
_TIMES = ("iat", "exp")
_NEEDED = frozenset((*_TEXTS, *_TIMES, "aud", "roles"))
_OPTIONAL = frozenset({"nbf"})
_LAST_MOMENT = 253402300799  # the end of the year 9999
_APPROVAL_ID = re.compile(r"(INC-[0-9]{8}-[A-Z0-9]{10})-A[1-9][0-9]{0,3}")
_HASH = re.compile(r"[0-9a-f]{64}")
_JTI = re.compile(r"[A-Za-z0-9._~:-]{8,128}")

Complaint = str | None


@dataclass(frozen=True, slots=True)
class Check:
    reason: Refusal
    look: Callable[[Exam], Complaint]


def incident_of(approval_id: str) -> str:
    """Empty where it is no approval's id."""
    found = _APPROVAL_ID.fullmatch(approval_id)
    return found[1] if found else ""


def _quoted(value: object) -> str:
    """What a stranger wrote: short, and with its look-alikes to be seen."""
    shown = ascii(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


# -- its form


def _too_large(exam: Exam) -> Complaint:
    size, most = len(exam.token), exam.rules.most_bytes
    return f"{size} bytes; at most {most}" if size > most else None


def _not_three_parts(exam: Exam) -> Complaint:
    parts = exam.presented.parts
    return f"a compact JWS has three parts between dots, not {parts}" if parts != 3 else None


def _not_base64url(exam: Exam) -> Complaint:
    return None if exam.presented.is_base64url else "each part must be base64url without padding or spaces"


def _header_is_no_object(exam: Exam) -> Complaint:
    return "the header is no JSON object" if exam.presented.header is None else None


def _claims_are_no_object(exam: Exam) -> Complaint:
    return "the claims are no JSON object" if exam.presented.claims is None else None


def _name_twice(exam: Exam) -> Complaint:
    repeated = exam.presented.repeated
    return f"{_quoted(repeated[0])} stands twice in one object" if repeated else None


# -- its header


def _brings_a_key(exam: Exam) -> Complaint:
    found = [name for name in _KEYS_IN_HEADER if name in exam.header]
    return f"a token brings no key of its own ({found[0]}): ours count alone" if found else None


def _critical_header(exam: Exam) -> Complaint:
    found = [name for name in ("crit", "b64") if name in exam.header]
    return f"{found[0]} is not understood here" if found else None


def _unknown_header(exam: Exam) -> Complaint:
    found = sorted(exam.header.keys() - HEADER)
    return f"the header holds alg, kid and typ alone, not {_quoted(found[0])}" if found else None


def _missing_header(exam: Exam) -> Complaint:
    found = sorted(HEADER - exam.header.keys())
    return f"the header has no {found[0]}" if found else None


def _wrong_type(exam: Exam) -> Complaint:
    if exam.header.get("typ") == TYPE:
        return None
    return f"typ must be {TYPE}, not {_quoted(exam.header.get('typ'))}: no other token approves"


def _not_signed(exam: Exam) -> Complaint:
    return "alg none is no signature" if exam.named("alg").casefold() == "none" else None


def _symmetric_algorithm(exam: Exam) -> Complaint:
    if exam.rules.embedded or not exam.named("alg").upper().startswith("HS"):
        return None
    return "a shared secret signs on one machine alone (embedded mode)"


def _wrong_algorithm(exam: Exam) -> Complaint:
    allowed = exam.rules.algorithms
    if exam.header.get("alg") in allowed:
        return None
    return f"alg must be one of {', '.join(allowed)}, not {_quoted(exam.header.get('alg'))}"


def _malformed_key_id(exam: Exam) -> Complaint:
    return (
        None if KEY_ID.fullmatch(exam.named("kid")) else f"{_quoted(exam.header.get('kid'))} is no key's id"
    )


# -- its claims, as far as they stand alone


def _missing_claim(exam: Exam) -> Complaint:
    found = sorted(_NEEDED - exam.claims.keys())
    return f"the claim {found[0]} is missing" if found else None


def _unknown_claim(exam: Exam) -> Complaint:
    found = sorted(exam.claims.keys() - _NEEDED - _OPTIONAL)
    return f"an approval has no claim {_quoted(found[0])}" if found else None


def _audience_is_a_list(exam: Exam) -> Complaint:
    return "aud is one environment, as text" if isinstance(exam.claims.get("aud"), list) else None


def _malformed_claim(exam: Exam) -> Complaint:
    for name in (*_TEXTS, "aud"):
        if not isinstance(exam.claims.get(name), str):
            return f"{name} must be text"
    for name in (*_TIMES, *(_OPTIONAL & exam.claims.keys())):
        if not 0 < exam.time(name) <= _LAST_MOMENT:
            return f"{name} must be whole seconds since 1970"
    roles = exam.claims.get("roles")
    if not isinstance(roles, list) or len(exam.roles) != len(roles) or len(set(exam.roles)) != len(roles):
        return "roles must be a list of texts, each once"
    return None


# -- its key


def _signers_in_doubt(exam: Exam) -> Complaint:
    doubt = exam.registry.doubt
    return f"nobody may sign now: {doubt}; send it again when that is over" if doubt else None


def _unknown_issuer(exam: Exam) -> Complaint:
    issuer = exam.text("iss")
    if exam.registry.knows_issuer(issuer):
        return None
    return f"iss must be {OWN_ISSUER} or a configured issuer, not {_quoted(issuer)}"


def _unknown_key(exam: Exam) -> Complaint:
    return None if exam.known else f"no signer has the key {_quoted(exam.named('kid'))}"


def _revoked_key(exam: Exam) -> Complaint:
    revoked = exam.known is not None and exam.known.standing is Standing.REVOKED
    return f"the key {exam.named('kid')} is revoked" if revoked else None


def _unconfirmed_key(exam: Exam) -> Complaint:
    waits = exam.known is not None and exam.known.standing is Standing.UNCONFIRMED
    return f"no admin has confirmed the key {exam.named('kid')} yet" if waits else None


def _disputed_key(exam: Exam) -> Complaint:
    disputed = exam.known is not None and exam.known.standing is Standing.DISPUTED
    return f"the key {exam.named('kid')} is claimed by two: it is nobody's" if disputed else None


def _other_keys_algorithm(exam: Exam) -> Complaint:
    if exam.known is None or exam.known.key.algorithm == exam.named("alg"):
        return None
    return f"the key {exam.named('kid')} is for {exam.known.key.algorithm}, not {_quoted(exam.named('alg'))}"


def _bad_signature(exam: Exam) -> Complaint:
    seen = exam.presented
    if exam.known is not None and exam.known.key.verifies(seen.signed, seen.signature):
        return None
    return f"it was not made with the key {_quoted(exam.named('kid'))}"


# -- who and where


def _look_alike_name(exam: Exam) -> Complaint:
    owner = exam.known.holder if exam.known is not None else None
    subject = exam.text("sub")
    if owner is None or owner.person == subject or not same_person(owner.person, subject):
        return None
    return f"{_quoted(subject)} only looks like {owner.person}"


def _not_the_keys_owner(exam: Exam) -> Complaint:
    if exam.holder is not None:
        return None
    return f"the key {_quoted(exam.named('kid'))} does not sign for {_quoted(exam.text('sub'))}"


def _removed_person(exam: Exam) -> Complaint:
    removed = exam.holder is not None and exam.holder.is_removed
    return f"{_quoted(exam.text('sub'))} is no signer any more" if removed else None


def _no_role(exam: Exam) -> Complaint:
    return None if exam.claims.get("roles") else "it claims no role"


def _unknown_role(exam: Exam) -> Complaint:
    strange = [role for role in exam.roles if role not in list(Role)]
    return f"{_quoted(strange[0])} is no role; there are: {', '.join(Role)}" if strange else None


def _role_not_given(exam: Exam) -> Complaint:
    given = exam.holder.roles if exam.holder else frozenset()
    more = [role for role in exam.roles if role not in given]
    return (
        f"the registry does not give {_quoted(exam.text('sub'))} the role {_quoted(more[0])}"
        if more
        else None
    )


def _wrong_audience(exam: Exam) -> Complaint:
    audience = exam.text("aud")
    if audience == exam.rules.audience:
        return None
    return f"it is for {_quoted(audience)}; this is {exam.rules.audience}"


# -- when


def _ends_before_it_begins(exam: Exam) -> Complaint:
    begins = max(exam.time("iat"), exam.time("nbf"))
    return "exp must be later than iat and nbf" if exam.time("exp") <= begins else None


def _lives_too_long(exam: Exam) -> Complaint:
    life, most = exam.time("exp") - exam.time("iat"), exam.rules.most_life_secs
    return (
        f"it lives {life} seconds; at most {most}, and no longer than its approval" if life > most else None
    )


def _issued_in_the_future(exam: Exam) -> Complaint:
    ahead = exam.time("iat") - exam.at.timestamp()
    return f"iat is {ahead:.0f} seconds ahead of our clock" if ahead > exam.rules.skew_secs else None


def _not_yet_valid(exam: Exam) -> Complaint:
    ahead = exam.time("nbf") - exam.at.timestamp()
    return f"it becomes valid in {ahead:.0f} seconds (nbf)" if ahead > exam.rules.skew_secs else None


def _expired(exam: Exam) -> Complaint:
    late = exam.at.timestamp() - exam.time("exp")
    return f"it expired {late:.0f} seconds before it was recorded" if late >= 0 else None


# -- what


def _unknown_decision(exam: Exam) -> Complaint:
    if exam.text("decision") in (APPROVE, REJECT):
        return None
    return f"decision must be approve or reject, not {_quoted(exam.text('decision'))}"


def _malformed_approval_id(exam: Exam) -> Complaint:
    return None if incident_of(exam.text("approval_id")) else "approval_id must read INC-YYYYMMDD-…-A1"


def _malformed_hash(exam: Exam) -> Complaint:
    return None if _HASH.fullmatch(exam.text("action_hash")) else "action_hash must be 64 hex digits, small"


def _malformed_jti(exam: Exam) -> Complaint:
    return None if _JTI.fullmatch(exam.text("jti")) else "jti must be 8 to 128 letters, digits and . _ ~ : -"


def _reason_too_long(exam: Exam) -> Complaint:
    size = len(exam.text("reason"))
    return f"reason has {size} letters; at most {MOST_REASON}" if size > MOST_REASON else None


CHECKS: tuple[Check, ...] = (
    Check(Refusal.TOO_LARGE, _too_large),
    Check(Refusal.NOT_THREE_PARTS, _not_three_parts),
    Check(Refusal.NOT_BASE64URL, _not_base64url),
    Check(Refusal.HEADER_IS_NO_OBJECT, _header_is_no_object),
    Check(Refusal.CLAIMS_ARE_NO_OBJECT, _claims_are_no_object),
    Check(Refusal.NAME_TWICE, _name_twice),
    Check(Refusal.BRINGS_A_KEY, _brings_a_key),
    Check(Refusal.CRITICAL_HEADER, _critical_header),
    Check(Refusal.UNKNOWN_HEADER, _unknown_header),
    Check(Refusal.MISSING_HEADER, _missing_header),
    Check(Refusal.WRONG_TYPE, _wrong_type),
    Check(Refusal.NOT_SIGNED, _not_signed),
    Check(Refusal.SYMMETRIC_ALGORITHM, _symmetric_algorithm),
    Check(Refusal.WRONG_ALGORITHM, _wrong_algorithm),
    Check(Refusal.MALFORMED_KEY_ID, _malformed_key_id),
    Check(Refusal.MISSING_CLAIM, _missing_claim),
    Check(Refusal.UNKNOWN_CLAIM, _unknown_claim),
    Check(Refusal.AUDIENCE_IS_A_LIST, _audience_is_a_list),
    Check(Refusal.MALFORMED_CLAIM, _malformed_claim),
    Check(Refusal.SIGNERS_IN_DOUBT, _signers_in_doubt),
    Check(Refusal.UNKNOWN_ISSUER, _unknown_issuer),
    Check(Refusal.UNKNOWN_KEY, _unknown_key),
    Check(Refusal.REVOKED_KEY, _revoked_key),
    Check(Refusal.UNCONFIRMED_KEY, _unconfirmed_key),
    Check(Refusal.DISPUTED_KEY, _disputed_key),
    Check(Refusal.OTHER_KEYS_ALGORITHM, _other_keys_algorithm),
    Check(Refusal.BAD_SIGNATURE, _bad_signature),
    Check(Refusal.LOOK_ALIKE_NAME, _look_alike_name),
    Check(Refusal.NOT_THE_KEYS_OWNER, _not_the_keys_owner),
    Check(Refusal.REMOVED_PERSON, _removed_person),
    Check(Refusal.NO_ROLE, _no_role),
    Check(Refusal.UNKNOWN_ROLE, _unknown_role),
    Check(Refusal.ROLE_NOT_GIVEN, _role_not_given),
    Check(Refusal.WRONG_AUDIENCE, _wrong_audience),
    Check(Refusal.ENDS_BEFORE_IT_BEGINS, _ends_before_it_begins),
    Check(Refusal.LIVES_TOO_LONG, _lives_too_long),
    Check(Refusal.ISSUED_IN_THE_FUTURE, _issued_in_the_future),
    Check(Refusal.NOT_YET_VALID, _not_yet_valid),
    Check(Refusal.EXPIRED, _expired),
    Check(Refusal.UNKNOWN_DECISION, _unknown_decision),
    Check(Refusal.MALFORMED_APPROVAL_ID, _malformed_approval_id),
    Check(Refusal.MALFORMED_HASH, _malformed_hash),
    Check(Refusal.MALFORMED_JTI, _malformed_jti),
    Check(Refusal.REASON_TOO_LONG, _reason_too_long),
)
"""In this order: its form before anything is read, its key before anything is believed."""
