"""Statements told by their first words: the ones no tree is needed for, and those sqlglot keeps as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agents.hard_rules.hits import Rule, listed
from agents.hard_rules.paths import is_secret

HARMLESS = listed(
    "SHOW DESCRIBE DESC HELP USE COMMIT ROLLBACK SAVEPOINT RELEASE ABORT END CHECKPOINT "
    "LISTEN UNLISTEN NOTIFY FETCH"
    " CLOSE DEALLOCATE PRAGMA START CHECK EXISTS DISCARD ANALYSE STATUS INFO CONNECT PRINT COMMENT DECLARE GO"
    " BEGIN VACUUM ANALYZE REINDEX OPTIMIZE KILL FLUSH UNLOCK SYSTEM REFRESH ATTACH BACKUP IMPORT REPAIR"
)
TREE = listed("SELECT INSERT UPDATE DELETE WITH MERGE CREATE REPLACE VALUES TABLE FROM PIVOT UPSERT")
OBJECTS = listed(
    "TABLE DATABASE SCHEMA INDEX VIEW MATERIALIZED SEQUENCE FUNCTION PROCEDURE TRIGGER "
    "TYPE USER ROLE EXTENSION"
    " TABLESPACE POLICY RULE OWNED AGGREGATE CAST COLLATION CONVERSION DOMAIN EVENT FOREIGN LANGUAGE OPERATOR"
    " PUBLICATION SUBSCRIPTION SERVER STATISTICS TEXT TRANSFORM ACCESS GROUP IF TEMPORARY TEMP KEYSPACE LOGIN"
    " PREPARE PARTITION COLUMN DICTIONARY NAMED QUOTA ROW SETTINGS PROFILE GLOBAL "
    "LOGFILE UNIQUE CONSTRAINT PRIMARY"
    " CLUSTER SYNONYM PACKAGE ASSEMBLY CERTIFICATE CREDENTIAL KEY MASTER SYMMETRIC ASYMMETRIC AVAILABILITY"
    " DISK_CACHE CONNECTION RESOURCE STREAM TASK PIPE STAGE FILE WAREHOUSE SHARE MEASUREMENT SERIES RETENTION"
)
SERVER = re.compile(
    r"SHUTDOWN\b|PURGE\b|RESET (MASTER|REPLICA|SLAVE|BINARY|PERSIST)|STOP (SLAVE|REPLICA|"
    r"GROUP)|CHANGE (MASTER|REPLICATION)"
    r"|VACUUM( \( .*)? FULL|VACUUM \( FULL|CLUSTER\b|REINDEX (\( .*\) )?(DATABASE|SYSTEM|"
    r"SCHEMA)|LOCK (TABLE|INSTANCE|BINLOG)"
    r"|LOCK TABLES|FLUSH (TABLES|ALL|HOSTS)|HANDLER\b|INSTALL\b|UNINSTALL\b|LOAD\b|"
    r"RESTORE\b|DETACH\b|DBCC\b|RECONFIGURE\b"
    r"|SYSTEM (SHUTDOWN|KILL|STOP|DROP REPLICA|DROP DATABASE|SUSPEND)|EXECUTE IMMEDIATE\b|"
    r"REVOKE ALL|FREEZE\b|CLONE\b"
    r"|KILL (ALL|QUERY WHERE 1|MUTATION WHERE 1)|SECURITY LABEL\b|REASSIGN OWNED|ALTER "
    r"SYSTEM RESET ALL|START SLAVE UNTIL"
)
SETTINGS = re.compile(
    r"\b(SUPER_READ_ONLY|READ_ONLY|SQL_LOG_BIN|LOCAL_INFILE|OFFLINE_MODE|"
    r"INNODB_FORCE_RECOVERY|SQL_SAFE_UPDATES|ROW_SECURITY"
    r"|SESSION_REPLICATION_ROLE|FSYNC|FULL_PAGE_WRITES|ARCHIVE_MODE|ARCHIVE_COMMAND|"
    r"RESTORE_COMMAND|SSL|LOG_BIN|GENERAL_LOG"
    r"|SECURE_FILE_PRIV|INIT_CONNECT|FOREIGN_KEY_CHECKS|UNIQUE_CHECKS|"
    r"SHARED_PRELOAD_LIBRARIES|DATA_DIRECTORY|HBA_FILE"
    r"|SYNCHRONOUS_COMMIT|SSL_PASSPHRASE_COMMAND|ARCHIVE_CLEANUP_COMMAND|"
    r"RECOVERY_END_COMMAND|PASSWORD|WAL_LEVEL)\b"
)
ALTERS = re.compile(
    r"\bDROP\b|\bDISABLE (ROW|TRIGGER|RULE)|\bNO FORCE ROW|\bSUPERUSER\b|\bOFFLINE\b|"
    r"\bSINGLE_USER\b|\bREAD_ONLY\b|\bTRUNCATE\b"
    r"|\bDETACH PARTITION\b|\bDISCARD\b|\bNOLOGIN\b|\bACCOUNT LOCK\b|\bCONNECTION LIMIT "
    r"0\b|\bALLOW_CONNECTIONS (=|) ?FALSE"
    r"|\bIDENTIFIED\b|\bBYPASSRLS\b|\bPASSWORD\b|\bSET UNLOGGED\b|\bREMOVE PARTITIONING\b|"
    r"\bCLEAR (COLUMN|INDEX)|\bFORGET PARTITION"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, a sign or a string of a statement."""

    text: str
    is_string: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Read:
    rules: tuple[Rule, ...] = ()
    inner: tuple[str, ...] = ()
    settled: bool = True


HARM_NONE = Read()
NEEDS_TREE = Read(settled=False)


def begins_one(text: str) -> bool:
    """Whether a text looks like a statement of SQL: its first words, not one word of it."""
    words = re.sub(r"/\*.*?\*/|--[^\n]*\n|^[\s(;]+", " ", text, flags=re.DOTALL).upper().split(None, 4)
    if not words:
        return False
    first, second = words[0].rstrip(";("), (words[1] if len(words) > 1 else "").strip(";(")
    return bool(re.fullmatch(BEGINNINGS.get(first, r"(?!)"), second, re.DOTALL))


# ClickHouse's mutations: judged as the statement that they stand for.
NAME_LIKE = re.compile(r"[\w.*%@-]{1,40}")
AS_IF = "DELETE FROM t "
NAME = r"[\"`\[A-Z_][^\s=/]*"
BEGINNINGS = {
    "SELECT": r".+",
    "INSERT": r"INTO|OVERWRITE|IGNORE|OR",
    "UPDATE": NAME,
    "DELETE": NAME,
    "DROP": "|".join(OBJECTS),
    "TRUNCATE": NAME,
    "ALTER": "|".join(OBJECTS) + "|SYSTEM|DEFAULT|ALL|SESSION",
    "CREATE": "|".join(OBJECTS) + "|OR",
    "GRANT": r"[A-Z].*",
    "REVOKE": r"[A-Z].*",
    "WITH": r"RECURSIVE|[A-Z_\"`].*",
    "MERGE": r"INTO|[A-Z_]+",
    "REPLACE": r"INTO|TABLE",
    "EXPLAIN": r"[A-Z(].*",
    "ANALYZE": r"TABLE|VERBOSE|[A-Z_\"`.]+|",
    "VACUUM": r"[A-Z_(\"`].*|",
    "REINDEX": r"\(?[A-Z_]+.*",
    "CLUSTER": r"[A-Z_\"`.]+",
    "BEGIN": r"TRANSACTION|WORK|DELETE|UPDATE|DROP|SELECT|TRUNCATE|INSERT|ISOLATION|READ|",
    "COMMIT": r"WORK|TRANSACTION|",
    "ROLLBACK": r"TO|WORK|TRANSACTION|",
    "START": r"TRANSACTION|SLAVE|REPLICA",
    "STOP": r"SLAVE|REPLICA|GROUP_REPLICATION",
    "SHOW": r"[A-Z].*",
    "DESCRIBE": r"[A-Z_\"`].*",
    "DESC": r"[A-Z_\"`].*",
    "DO": r"\$.*|'.*|LANGUAGE",
    "CALL": r"[A-Z_\"`.].*",
    "EXECUTE": r"IMMEDIATE|[A-Z_'\"].*",
    "EXEC": r"XP_\w+|SP_\w+|\(.*|MASTER.*|@.*",
    "PREPARE": r"[A-Z_]+",
    "PURGE": r"BINARY|MASTER|RECYCLEBIN|TABLE|DBA_RECYCLEBIN",
    "RESET": r"MASTER|SLAVE|REPLICA|ALL|QUERY|BINARY",
    "CHANGE": r"MASTER|REPLICATION",
    "SHUTDOWN": r"|WITH|IMMEDIATE|ABORT|FAST|SMART",
    "FLUSH": r"TABLES|TABLE|PRIVILEGES|LOGS|HOSTS|STATUS|ALL|BINARY|ENGINE",
    "LOCK": r"TABLE|TABLES|INSTANCE",
    "UNLOCK": r"TABLES|INSTANCE",
    "SET": r"GLOBAL|SESSION|PERSIST|LOCAL|ROLE|ROW_SECURITY|PASSWORD|FOREIGN_KEY_CHECKS.*|"
    r"SQL_\w+.*|@@?[A-Z_.]+.*|\w+",
    "KILL": r"QUERY|CONNECTION|MUTATION|ALL",
    "COPY": NAME + r"|\(.*",
    "LOAD": r"DATA|XML|EXTENSION|LOCAL",
    "OPTIMIZE": r"TABLE|LOCAL",
    "REPAIR": r"TABLE",
    "CHECK": r"TABLE",
    "RENAME": r"TABLE|COLUMN|USER|DATABASE",
    "DETACH": r"TABLE|DATABASE|DICTIONARY|VIEW|PERMANENTLY",
    "ATTACH": r"TABLE|DATABASE|DICTIONARY|PARTITION",
    "SYSTEM": r"SHUTDOWN|KILL|STOP|START|FLUSH|RELOAD|DROP|SYNC|RESTART|RESTORE|SUSPEND",
    "REFRESH": r"MATERIALIZED|TABLE",
    "REASSIGN": r"OWNED",
    "SECURITY": r"LABEL",
    "INSTALL": r"PLUGIN|SONAME|COMPONENT",
    "UNINSTALL": r"PLUGIN|COMPONENT",
    "DBCC": r".+",
    "RESTORE": r"DATABASE|LOG|TABLE",
    "BACKUP": r"DATABASE|LOG|TABLE",
    "HANDLER": NAME,
    "IMPORT": r"FOREIGN|TABLE",
    "TABLE": NAME + r";?",
    "VALUES": r".+",
    "DISCARD": r"ALL|PLANS|TEMP|SEQUENCES",
    "CHECKPOINT": r"",
    "NOTIFY": r"[A-Z_]+,?",
    "LISTEN": r"[A-Z_]+",
    "COMMENT": r"ON",
    "USE": r"[A-Z_`\"]\w*",
    "DECLARE": r"@.*",
    "SAVEPOINT": r"\w+",
}


def by_its_head(heads: Sequence[str], tokens: Sequence[Piece], source: str) -> Read:
    head = heads[0]
    said = " ".join(
        token.text for token in tokens if not token.is_string or NAME_LIKE.fullmatch(token.text)
    ).upper()
    if head in ("EXPLAIN", "PROFILE"):
        return _explained(tokens, source)
    if head in ("DROP", "TRUNCATE"):
        return Read((Rule.SQL_DROP if head == "DROP" else Rule.SQL_TRUNCATE,))
    if SERVER.match(said):
        return Read((Rule.SQL_SERVER,))
    if (
        head == "BEGIN"
        and len(tokens) > 2
        and heads[1] not in ("TRANSACTION", "WORK", "ISOLATION", "READ", "TRAN")
    ):
        return Read(inner=(source[tokens[0].end - tokens[0].start :],))
    if head in ("DO", "PREPARE", "EXECUTE", "EXEC", "CALL"):
        return _text_inside(head, heads, tokens, source)
    if head in ("GRANT", "REVOKE"):
        return _rights(said)
    if head in ("SET", "RESET") or said.startswith("ALTER SYSTEM"):
        return Read((Rule.SQL_SERVER,)) if SETTINGS.search(said) else HARM_NONE
    if head in ("ALTER", "RENAME"):
        return _altered(said, source)
    if head in {"COPY", "LOAD"}:
        return _moved(said, tokens)
    if "INTO OUTFILE" in said or "INTO DUMPFILE" in said:
        return Read((Rule.SQL_SERVER,))
    if head == "CREATE":
        return _created(said, source.upper())
    if head in HARMLESS:
        return HARM_NONE
    return NEEDS_TREE if head in TREE or head == "(" else Read((Rule.UNPARSABLE,))


def _moved(said: str, tokens: Sequence[Piece]) -> Read:
    """COPY and LOAD: from and to files, or through a program."""
    if any(token.is_string and is_secret(token.text) for token in tokens):
        return Read((Rule.SECRETS,))
    return Read((Rule.REMOTE_SHELL,)) if "PROGRAM" in said else HARM_NONE


def _explained(tokens: Sequence[Piece], source: str) -> Read:
    """EXPLAIN alone runs nothing; with ANALYZE it runs what it explains."""
    at = 1
    options: list[str] = []
    while at < len(tokens) and tokens[at].text.upper() not in TREE | {"DROP", "TRUNCATE", "ALTER"}:
        options.append(tokens[at].text.upper())
        at += 1
    if not {"ANALYZE", "ANALYSE"} & set(options) or at >= len(tokens):
        return HARM_NONE
    return Read(inner=(source[tokens[at].start - tokens[0].start :],))


def _text_inside(head: str, heads: Sequence[str], tokens: Sequence[Piece], source: str) -> Read:
    texts = [token.text for token in tokens if token.is_string]
    texts += [body for _, body in re.findall(r"\$(\w*)\$(.*?)\$\1\$", source, re.DOTALL)]
    inner = tuple(text for text in texts if begins_one(text) or head == "DO")
    rules: tuple[Rule, ...] = ()
    if "XP_CMDSHELL" in source.upper() or "SP_OACREATE" in source.upper():
        rules = (Rule.REMOTE_SHELL,)
    elif head in ("EXECUTE", "EXEC") and not inner and not (len(heads) > 1 and heads[1].startswith("SP_")):
        rules = (Rule.OPAQUE,)
    elif head == "DO":
        return _block(texts)
    elif head == "PREPARE":
        inner += (re.split(r"(?i)\bas\b", source, maxsplit=1)[1],) if re.search(r"(?i)\bas\b", source) else ()
    return Read(rules, inner)


def _block(texts: Sequence[str]) -> Read:
    """A procedure's body: its statements one by one; loops and tests around them are left out."""
    rules: list[Rule] = []
    inner: list[str] = []
    for text in texts:
        quoted = [
            found[0] or found[1]
            for found in re.findall(r"'((?:[^']|'')*)'|\$\w*\$(.*?)\$\w*\$", text, re.DOTALL)
        ]
        inner.extend(piece for piece in quoted if begins_one(piece))
        if re.search(r"(?i)\bexecute\b", text) and not any(map(begins_one, quoted)):
            rules.append(Rule.OPAQUE)
        pieces = re.split(r"(?i);|\b(?:begin|then|else|loop|declare)\b", text)
        inner.extend(piece for piece in pieces if begins_one(piece))
    if not texts:
        rules.append(Rule.UNPARSABLE)
    return Read(tuple(dict.fromkeys(rules)), tuple(inner))


def _rights(said: str) -> Read:
    everything = re.search(
        r"\bALL\b.*\bON \* ?\. ?\*|\bALL\b.*\bON (ALL|DATABASE)|\bSUPER\b|\bSUPERUSER\b|ADMIN OPTION|SYSDBA",
        said,
    )
    strong = re.search(
        r"\b(PG_\w+|RDS_SUPERUSER|POSTGRES|ROOT|DBA|SYSADMIN|DB_OWNER|FILE|PROCESS|"
        r"SHUTDOWN)\b( ON \* ?\. ?\*| TO )",
        said,
    )
    open_ = re.search(r"\bALL\b.*\bTO PUBLIC\b", said)
    return (
        Read((Rule.SQL_PRIVILEGE,))
        if everything or strong or open_ or said.startswith("REVOKE")
        else HARM_NONE
    )


def _altered(said: str, source: str) -> Read:
    if found := re.search(
        r"(?i)\b(DELETE|UPDATE)\b(?!\s*(CASCADE|RESTRICT|SET\s+(NULL|DEFAULT)|NO\s+ACTION))", source
    ):
        where = re.search(r"(?i)\bWHERE\b(.*)$", source, re.DOTALL)
        if re.match(r"(?i)ALTER\s+TABLE", source) and not re.search(r"(?i)\bON\s+$", source[: found.start()]):
            return Read(inner=(AS_IF + (where[0] if where else ""),))
    if re.search(r"\b(SUPERUSER|BYPASSRLS|PASSWORD|IDENTIFIED)\b", said):
        return Read((Rule.SQL_PRIVILEGE,))
    if ALTERS.search(said):
        harmless = re.search(r"\bDROP (DEFAULT|NOT NULL|EXPRESSION|IDENTITY)\b", said)
        return HARM_NONE if harmless and said.count("DROP") == 1 else Read((Rule.SQL_DROP,))
    return HARM_NONE


def _created(said: str, source: str) -> Read:
    if re.search(
        r"\bSUPERUSER\b|\bSONAME\b|LANGUAGE C\b|LANGUAGE '?C'?|PLPYTHONU|PLPERLU|"
        r"\bEXECUTABLE\b|CREATE SERVER",
        said,
    ):
        return Read((Rule.SQL_PRIVILEGE,))
    if re.match(r"CREATE (OR REPLACE )?(TABLE|DATABASE|SCHEMA)\b", said) and "OR REPLACE" in said:
        return Read((Rule.SQL_DROP,))
    if re.match(r"CREATE (OR REPLACE )?(FUNCTION|PROCEDURE|TRIGGER|RULE|EVENT|CONSTRAINT TRIGGER)", said):
        return (
            Read((Rule.OPAQUE,))
            if re.search(r"\b(DROP|TRUNCATE|DELETE|UPDATE|EXECUTE)\b", source)
            else HARM_NONE
        )
    return NEEDS_TREE if re.search(r"\b(SELECT|DELETE|UPDATE)\b", said) else HARM_NONE
