"""Every reason for which a signature does not count, each a constant of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Refusal(StrEnum):
    # its form
    TOO_LARGE = "too_large"
    NOT_THREE_PARTS = "not_three_parts"
    NOT_BASE64URL = "not_base64url"
    HEADER_IS_NO_OBJECT = "header_is_no_object"
    CLAIMS_ARE_NO_OBJECT = "claims_are_no_object"
    NAME_TWICE = "name_twice"
    # its header
    BRINGS_A_KEY = "brings_a_key"
    CRITICAL_HEADER = "critical_header"
    UNKNOWN_HEADER = "unknown_header"
    MISSING_HEADER = "missing_header"
    WRONG_TYPE = "wrong_type"
    NOT_SIGNED = "not_signed"
    SYMMETRIC_ALGORITHM = "symmetric_algorithm"
    WRONG_ALGORITHM = "wrong_algorithm"
    MALFORMED_KEY_ID = "malformed_key_id"
    # its claims, as far as they stand alone
    MISSING_CLAIM = "missing_claim"
    UNKNOWN_CLAIM = "unknown_claim"
    AUDIENCE_IS_A_LIST = "audience_is_a_list"
    MALFORMED_CLAIM = "malformed_claim"
    # its key
    SIGNERS_IN_DOUBT = "signers_in_doubt"
    UNKNOWN_ISSUER = "unknown_issuer"
    UNKNOWN_KEY = "unknown_key"
    REVOKED_KEY = "revoked_key"
    UNCONFIRMED_KEY = "unconfirmed_key"
    DISPUTED_KEY = "disputed_key"
    OTHER_KEYS_ALGORITHM = "other_keys_algorithm"
    BAD_SIGNATURE = "bad_signature"
    # who and where
    LOOK_ALIKE_NAME = "look_alike_name"
    NOT_THE_KEYS_OWNER = "not_the_keys_owner"
    REMOVED_PERSON = "removed_person"
    NO_ROLE = "no_role"
    UNKNOWN_ROLE = "unknown_role"
    ROLE_NOT_GIVEN = "role_not_given"
    WRONG_AUDIENCE = "wrong_audience"
    # when
    ENDS_BEFORE_IT_BEGINS = "ends_before_it_begins"
    LIVES_TOO_LONG = "lives_too_long"
    ISSUED_IN_THE_FUTURE = "issued_in_the_future"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    # what
    UNKNOWN_DECISION = "unknown_decision"
    MALFORMED_APPROVAL_ID = "malformed_approval_id"
    MALFORMED_HASH = "malformed_hash"
    MALFORMED_JTI = "malformed_jti"
    REASON_TOO_LONG = "reason_too_long"
    # beside its approval
    UNKNOWN_APPROVAL = "unknown_approval"
    OTHER_APPROVAL = "other_approval"
    OTHER_PROJECT = "other_project"
    OTHER_ACTION = "other_action"
    OUTLIVES_APPROVAL = "outlives_approval"
    OWN_PROPOSAL = "own_proposal"
    ROLE_DOES_NOT_COUNT = "role_does_not_count"
    REUSED_JTI = "reused_jti"
    SAME_PERSON = "same_person"
    CLOSED = "closed"
    NO_QUORUM = "no_quorum"


@dataclass(frozen=True, slots=True)
class Refused:
    reason: Refusal
    sentence: str
    """for people: what is wrong, and what would be right"""
