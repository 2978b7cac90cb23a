"""Clients of databases, caches, queues and web services: what they are told to do there."""

from __future__ import annotations

import re

from agents.hard_rules.by_words import words_that
from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.given import read
from agents.hard_rules.hits import FETCHED, OUTPUT, PRIVATE, SIFTED, UNKNOWN, Rule, listed
from agents.hard_rules.managers import manage
from agents.hard_rules.sql_statements import begins_one
from agents.hard_rules.streams import EMPTY, SOMETHING, Stream

# Options that carry SQL, the others that take a value, and which word is SQL, if any.
SQL_CLIENTS: dict[str, tuple[str, str, int | None]] = {
    "psql": ("c command", "d dbname h host p port U username f file v set variable F P o output L R T", None),
    "mysql": (
        "e execute init-command",
        "u user h host P port D database S socket protocol default-character-set",
        None,
    ),
    "mariadb": ("e execute init-command", "u user h host P port D database S socket protocol", None),
    "clickhouse-client": ("q query", "h host port u user password d database queries-file f format", None),
    "clickhouse": ("q query", "h host port u user password d database format", None),
    "sqlcmd": ("Q q", "S U P d i o s W h t", None),
    "cqlsh": ("e execute", "u p k f username password keyspace file", None),
    "sqlite3": ("cmd", "separator init newline nullvalue", 1),
    "duckdb": ("c cmd s", "separator", 1),
    "cockroach": ("e execute", "url host port user database d format", None),
    "impala-shell": ("q query", "i d f o u", None),
    "hive": ("e", "f d i", None),
    "beeline": ("e", "u n p d f", None),
    "presto": ("execute", "server catalog schema f", None),
    "trino": ("execute", "server catalog schema f", None),
    "bq": ("", "location format project_id", 1),
    "snowsql": ("q query", "a u d s f o", None),
    "usql": ("c command", "f o", None),
    "isql": ("", "", None),
    "sqlplus": ("", "", None),
    "influx": ("execute e", "host port database username password org token", None),
}
REDIS = re.compile(
    r"^(flushall|flushdb|shutdown|flush_all|(?:slaveof|replicaof) (?!no one)|swapdb"
    r"|failover|debug|migrate|restore"
    r"|script (flush|kill)|function (flush|delete)|acl (setuser|deluser|load)|module "
    r"(load|unload)|client (pause|kill (type|user|laddr))"
    r"|config (rewrite|set (dir|dbfilename|requirepass|masterauth|masteruser|save|"
    r"appendonly|protected-mode|bind|rename-command))"
    r"|cluster (reset|forget|flushslots|delslots\w*|failover takeover|replicate|meet)|"
    r"xtrim .* maxlen =? ?0|eval_?\w* .*(flush|del|'keys'))",
    re.IGNORECASE,
)
MONGO = re.compile(
    r"\.\s*(dropDatabase|drop|dropIndexes|dropIndex|deleteMany|remove|renameCollection|"
    r"dropUser|dropAllUsers|dropRole"
    r"|shutdownServer|fsyncLock|updateUser|createUser|grantRolesToUser|updateMany|"
    r"bulkWrite)\s*\(\s*(.)?\s*(.)?",
    re.DOTALL,
)
HDFS = r"(^| )-(rm|rmr|rmdir|expunge|deleteSnapshot)\b|namenode -format"
MONGO_COMMANDS = re.compile(
    r"(runCommand|adminCommand)\s*\(\s*\{\s*['\"]?(drop\w*|shutdown|delete|fsync|"
    r"killAllSessions\w*|replSetReconfig|removeShard)",
    re.IGNORECASE,
)


def sql_client(call: Call) -> Stream | None:
    names, values, word = SQL_CLIENTS[call.program]
    if call.args[:1] == ("delete",):
        call.hit(Rule.DATA_LOSS)
    given = read(call.args, (*names.split(), *values.split()))
    texts = given.all(*names.split())
    words = [w for w in given.words if w not in {"sql", "query"}]
    if word is not None and len(words) > word - (call.program == "bq"):
        texts += [w for w in words if begins_one(w) or w.startswith(".")]
    if call.program in ("hive", "influx", "clickhouse", "cockroach", "isql", "psql", "mysql", "mariadb"):
        texts += [w for w in words if begins_one(w) and " " in w]
    for text in texts:
        _sql(call, text)
    if given.last("f", "file") in ("-", "/dev/stdin"):
        _sql_from_input(call)
    if (
        not texts
        and not given.all("f", "file", "i", "queries-file")
        and not given.wants_help
        and not given.has("l", "list")
    ):
        _sql_from_input(call)
    if call.program == "bq":
        return manage(call)
    return Stream(
        f"{PRIVATE}\n", private=True
    )  # rows: nobody knows them, and they are no one else's business


def _sql(call: Call, text: str) -> None:
    if text.strip() and not set(text.strip()) - {OUTPUT, SIFTED, FETCHED}:
        call.hit(Rule.OPAQUE)
    elif text.startswith("."):
        if re.match(r"\.(shell|system)\s", text):
            call.script(text.split(None, 1)[1])
        elif re.match(r"\.(read|load|import)\s*\|", text):
            call.hit(Rule.OPAQUE)
    elif re.match(r"(?i)\s*(drop|delete)\s+(series|measurement|shard)", text):
        call.hit(Rule.SQL_DROP)
    else:
        known = "\n".join(line for line in text.split("\n") if not line or set(line) - UNKNOWN)
        call.sql("".join("unknown_value" if character in UNKNOWN else character for character in known))


def _sql_from_input(call: Call) -> None:
    if call.stdin.text is None:
        if call.stdin.fetched:
            call.hit(Rule.FETCH_AND_RUN)
    elif call.stdin.text.strip() == PRIVATE:
        call.hit(Rule.OPAQUE)
    elif call.stdin.text.strip():
        _sql(call, call.stdin.text)


def redis(call: Call) -> Stream | None:
    given = read(
        call.args,
        listed("h p s a u n r i d x X user pass sni cacert cert key pattern count quoted-pattern"),
        stops=True,
    )
    if "--cluster" in call.args:
        at = call.args.index("--cluster")
        if set(call.args[at + 1 : at + 2]) & {
            "del-node",
            "reshard",
            "import",
            "fix",
            "call",
            "rebalance",
            "create",
        }:
            call.hit(Rule.DATA_LOSS)
        return SOMETHING
    if given.rest:
        _redis(call, " ".join(given.rest))
    elif call.stdin.text:
        redis_lines(call)
    elif call.stdin.text is None and (call.stdin.fetched or given.has("pipe")):
        call.hit(Rule.OPAQUE)
    if given.all("eval"):
        call.hit(Rule.OPAQUE)
    return Stream(None, sifted=False)


def redis_lines(call: Call) -> None:
    for line in (call.stdin.text or "").split("\n"):
        _redis(call, line.strip())


def _redis(call: Call, text: str) -> None:
    command = text.replace('"', "").strip()
    if REDIS.match(command):
        call.hit(Rule.DATA_LOSS)
    elif re.match(r"(?i)(unlink|del|hdel|expire|pexpire|rename|getdel)\b", command) and (
        call.mass or not {OUTPUT, FETCHED}.isdisjoint(command) or "*" in command
    ):
        call.hit(Rule.MASS)


def mongo(call: Call) -> Stream | None:
    given = read(
        call.args,
        listed("eval u p host port authenticationDatabase f file username password"),
        long_only=False,
    )
    for text in given.all("eval"):
        mongo_text(call, text)
    if call.stdin.text:
        mongo_text(call, call.stdin.text)
    return SOMETHING


def mongo_text(call: Call, text: str) -> None:
    if MONGO_COMMANDS.search(text):
        call.hit(Rule.DATA_LOSS, text)
    for found in MONGO.finditer(text):
        bounded = found[2] == "{" and found[3] not in ("}", None)
        if (
            not (bounded and found[1] in ("deleteMany", "remove", "updateMany", "createUser", "updateUser"))
            or found[1] == "updateUser"
        ):
            call.hit(Rule.DATA_LOSS, text)
    if re.search(r"\beval\b|\bFunction\(|\[\s*['\"]\w+['\"]\s*\+|\brun\s*\(|\bload\s*\(|child_process", text):
        call.hit(Rule.OPAQUE, text)
    if re.search(r"\[\s*['\"](drop|remove|delete)\w*['\"]\s*\]", text):
        call.hit(Rule.DATA_LOSS, text)


def mysqladmin(call: Call) -> Stream | None:
    given = read(call.args, listed("u user h host P port S socket"))
    if {"drop", "shutdown", "password", "stop-slave", "stop-replica"} & {
        word.lower() for word in given.words
    }:
        call.hit(Rule.SQL_DROP if "drop" in given.words else Rule.SQL_SERVER)
    return SOMETHING


def always_lossy(call: Call) -> Stream | None:
    if not read(call.args).wants_help:
        call.hit(Rule.DATA_LOSS)
    return EMPTY


def kafka(call: Call) -> Stream | None:
    given = read(
        call.args,
        listed("bootstrap-server zookeeper topic group command-config config reassignment-json-file"),
    )
    if (
        given.has("delete", "delete-offsets", "remove", "delete-config")
        or (given.has("reset-offsets") and not given.has("dry-run"))
        or call.program in ("kafka-delete-records",)
        or (call.program == "kafka-storage" and "format" in call.args)
        or re.search(
            r"retention\.(ms|bytes)=-?\d{1,4}\b|cleanup\.policy=delete|min\.insync\.replicas=0|deny-",
            call.said,
        )
    ):
        call.hit(Rule.DATA_LOSS)
    elif call.program == "kafka-server-stop":
        call.hit(Rule.OUTAGE)
    return None


def zookeeper(call: Call) -> Stream | None:
    text = call.said + " " + (call.stdin.text or "")
    if re.search(r"\b(deleteall|rmr|delete|setAcl|reconfig -remove)\b", text):
        call.hit(Rule.DATA_LOSS)
    return SOMETHING


def etcdctl(call: Call) -> Stream | None:
    given = read(
        call.args,
        listed("endpoints cacert cert key user password w write-out limit rev command-timeout data-dir"),
    )
    words = [word.lower() for word in given.words]
    if (words[:1] and words[0] in ("del", "rm", "rmdir")) or words[:2] in (
        ["member", "remove"],
        ["user", "delete"],
        ["role", "delete"],
        ["auth", "disable"],
        ["auth", "enable"],
    ):
        call.hit(Rule.DATA_LOSS)
    elif words[:1] == ["get"] and (
        any("secrets" in word for word in words) or words[1:2] in (["/"], ["/registry"], ["/registry/"], [""])
    ):
        if not given.has("keys-only", "count-only"):
            call.hit(Rule.SECRETS)
    elif words[:2] == ["snapshot", "restore"] or (words[:1] == ["put"] and "/registry" in call.source):
        call.hit(Rule.DATA_LOSS)
    return SOMETHING


def all_of_them() -> dict[str, Handler]:
    handlers: dict[str, Handler] = dict.fromkeys(SQL_CLIENTS, sql_client)
    handlers |= dict.fromkeys(("redis-cli", "valkey-cli", "keydb-cli"), redis)
    handlers |= dict.fromkeys(("mongo", "mongosh"), mongo)
    handlers |= dict.fromkeys(
        ("dropdb", "dropuser", "pg_resetwal", "pg_dropcluster", "pg_archivecleanup", "resetlogs"),
        always_lossy,
    )
    handlers |= dict.fromkeys(
        (
            "kafka-topics",
            "kafka-consumer-groups",
            "kafka-acls",
            "kafka-configs",
            "kafka-delete-records",
            "kafka-storage",
            "kafka-server-stop",
            "kafka-streams-application-reset",
        ),
        kafka,
    )
    handlers |= dict.fromkeys(("zookeeper-shell", "zkcli", "zk"), zookeeper)
    return handlers | {
        "mysqladmin": mysqladmin,
        "mariadb-admin": mysqladmin,
        "pg_ctl": words_that(r"\b(stop|kill)\b", Rule.SQL_SERVER),
        "pg_ctlcluster": words_that(r"\bstop\b", Rule.SQL_SERVER),
        "pg_restore": words_that(r"(^| )(--clean|-[a-zA-Z]*c\b|--create)", Rule.SQL_DROP),
        "pg_rewind": words_that(r"^(?!.*--dry-run)", Rule.DATA_LOSS),
        "memcflush": always_lossy,
        "hdfs": words_that(HDFS, Rule.DATA_LOSS),
        "hadoop": words_that(HDFS, Rule.DATA_LOSS),
        "mongorestore": words_that(r"--drop", Rule.DATA_LOSS),
        "nodetool": words_that(
            r"\b(decommission|removenode|assassinate|clearsnapshot --all|stopdaemon|drain|truncatehints)\b",
            Rule.DATA_LOSS,
        ),
        "etcdctl": etcdctl,
        "memcached-tool": words_that(r"flush", Rule.DATA_LOSS),
        "ldapdelete": always_lossy,
    }
