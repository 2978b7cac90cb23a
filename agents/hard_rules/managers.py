"""Command lines of clouds, clusters and services: `program noun verb`, told by their verb."""

from __future__ import annotations

import re

from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.given import read
from agents.hard_rules.hits import RUN_TIME, Rule, listed
from agents.hard_rules.sql_statements import begins_one
from agents.hard_rules.streams import SOMETHING, Stream

ENDS = listed(
    "delete destroy remove purge rm rb drop terminate wipe erase uninstall nuke rdelete "
    "rmr deleteall del prune"
    " deregister unregister unsubscribe revoke decommission evict "
    "unlink"
    " forget untag teardown deprovision undeploy unpublish rmi nuke-all "
    "delete-all schedule-deletion "
)
READS = listed("get list ls describe show help search view info status diff explain version history "
"inspect logs log plan validate check lint test lookup query head find tail ping "
"whoami top watch wait dump export read count stat stats summary template")  # fmt: skip
SECRET_WORDS = re.compile(
    r"^(secretsmanager (get-secret-value|batch-get-secret-value)|ssm "
    r"get-parameters?.*--with-decryption|kms decrypt|"
    r"kv get|read .*(secret|cred|kv|pki|database)|secrets (versions )?(access|get|"
    r"download)|keyvault secret (show|download)|"
    r"configure (export-credentials|get aws_secret\w*)|"
    r"sts (get-session-token|assume-role|get-federation-token)|iam create-access-key|ecr get-login-password|"
    r"(item|document) get|read op://|auth (print-access-token|print-identity-token|"
    r"application-default print)|account get-access-token|"
    r"aks get-credentials.*--admin|ad sp create-for-rbac|print-access-token|token create|"
    r"operator (generate-root|unseal|rekey|init|seal)|"
    r"secret unseal|get-credentials.*--admin|unseal|seal|sa keys create|iam "
    r"service-accounts keys create|container clusters get-credentials.*--internal)\b"
)
# Their verbs are all told in MORE.
SPARE = frozenset(("crictl", "ceph", "istioctl", "fastly", "argocd"))
CLOUDS = frozenset(("aws", "gcloud", "az"))
STORES = frozenset(("nats", "consul"))  # whose key-value stores hold settings
SINGLE = re.compile(r"deregister-(targets|instances-from-load-balancer)|terminate-instance-in-auto")
FLAGS = listed("-f -q -y -a -r -m -n -v --quiet --yes --force --debug")
DRY = listed("-dry-run --dryrun --simulate --what-if")
TOKEN = re.compile(r"[-_:.]")
# Verbs that end or something only with these programs.
MORE: dict[str, str] = {
    "vault": r"^(operator seal|lease revoke|secrets disable|auth disable|policy delete|token "
    r"revoke|write sys/seal)",
    "aws": r"\b(stop-instances|stop-db-\w+|terminate-instances|put-bucket-policy|"
    r"put-secret-value|update-secret|put-public-access-block|schedule-key-deletion|"
    r"cancel-\w+|modify-db-instance .*--no-deletion-protection|stop-logging|s3 sync "
    r".*--delete|s3 mv .*--recursive|detach-\w+-policy|attach-\w+-policy "
    r".*AdministratorAccess|authorize-security-group-ingress .*0\.0\.0\.0/0)",
    "gcloud": r"\b(instances stop|set-iam-policy|sql instances patch .*no-deletion|"
    r"clusters resize .*(--num-nodes|--size)[= ]0|add-iam-policy-binding .*(owner|editor)|"
    r"projects delete)\b",
    "az": r"\b(vm stop|vm deallocate|aks stop|webapp stop|lock delete|untag|storage blob "
    r"delete\S*|keyvault purge|role assignment create .*Owner)\b",
    "helm": r"^(uninstall|un|delete|del)\b|--purge",
    "terraform": r"^(destroy|state rm|force-unlock|taint|workspace delete)|^apply .*-destroy|"
    r"^apply .*-replace",
    "rclone": r"^(sync|move|moveto|delete|deletefile|purge|rmdirs?|cleanup|bisync)\b",
    "restic": r"^(forget|prune|key remove|rewrite|cache --cleanup|repair)\b|\bforget\b|"
    r"--unsafe-allow-remove-all|\bprune\b",
    "borg": r"^(delete|rdelete|prune|break-lock|compact|recreate)\b|\b(delete|prune|break-lock)\b",
    "kubeadm": r"^(reset|upgrade apply .*--force|token create|init phase)",
    "rabbitmqctl": r"^(delete_\w+|purge_queue|reset|force_reset|stop|stop_app|shutdown|"
    r"forget_cluster_node|clear_\w+|eval|close_all\w*|change_password|set_user_tags|"
    r"force_boot)\b",
    "ceph": r"\b(osd (purge|destroy|rm|out|down|crush remove|pool (rm|delete)|lost|zap)|fs (rm|"
    r"fail)|mon (rm|remove)|auth (del|rm)|pg force\S*|tell mon\S* injectargs)\b",
    "consul": r"^(kv delete|leave|force-leave|snapshot restore|acl \w+ delete|services deregister)",
    "nomad": r"^(job stop|stop|node drain|system gc|namespace delete|operator raft remove)",
    "velero": r"\bdelete\b",
    "mc": r"^(rm|rb|mirror .*--remove|admin (user (remove|disable)|service stop|policy (remove|"
    r"unset)|bucket remote rm)|retention clear|ilm (rm|remove)|undo|event remove)\b",
    "gsutil": r"^(rm|rb|mv|rsync .*-[a-zA-Z]*d|iam set|acl set|retention clear)\b|\b(rm|rb)\b|rsync "
    r".*-[a-zA-Z]*d\b",
    "azcopy": r"^(remove|rm|sync .*--delete-destination)",
    "argocd": r"^(app (delete|delete-resource)|cluster rm|proj delete|repo rm|"
    r"repocreds rm|account delete-token|appset delete)",
    "istioctl": r"^(uninstall|x uninstall|experimental uninstall|operator remove)",
    "linkerd": r"^uninstall",
    "flux": r"^(delete|uninstall)",
    "crictl": r"^(rm .*-[a-z]*[fa]|rmp|rm -a|stopp|rmi -a)\b",
    "talosctl": r"^(reset|shutdown|reboot|upgrade .*--force|wipe)",
    "pulsar-admin": r"\b(delete\S*|clear-backlog|unload|terminate|truncate)\b",
    "nats": r"\b(stream|consumer|kv|object|account|server) (rm|del|delete|purge)\b",
    "rpk": r"\b(delete|trim-prefix|decommission)\b",
    "cypher-shell": r"(?i)detach delete|drop database",
    "pulumi": r"^(destroy|stack rm|cancel|state delete)",
    "ansible-galaxy": r"\b(remove|delete)\b",
    "deck": r"^(sync|reset|gateway (sync|reset))",
    "fastly": r"\b(delete|purge --all|service version activate)\b",
    "gh": r"\b(repo (delete|archive)|release delete|secret (delete|remove)|api .*(-X|"
    r"--method)[= ]?DELETE|run delete|ssh-key delete|gist delete|issue delete|workflow "
    r"disable)\b",
    "glab": r"\b(repo (delete|archive)|release delete|api .*(-X|--method)[= ]?DELETE|ci delete|"
    r"variable delete|issue delete|mr delete)\b",
    "mvn": r"^(deploy|release:\w+)|\b(release:perform|deploy)\b",
    "mvnw": r"\b(release:perform|deploy)\b",
}
FAMILIES = listed(
    "aws gcloud az doctl linode-cli oci ibmcloud aliyun hcloud eksctl kops kind minikube "
    "k3d vault op doppler infisical"
    " bw pass velero restic borg rclone mc s3cmd s5cmd gsutil azcopy b2 swift "
    "argocd flux helm helmfile istioctl"
    " linkerd cilium calicoctl terraform tofu terragrunt pulumi packer vagrant nomad "
    "consul boundary waypoint ceph rbd"
    " rados gluster heketi-cli rook rabbitmqctl rabbitmqadmin nats pulsar-admin rpk kcat "
    "kafkactl confluent etcdutl ctr"
    " crictl nerdctl talosctl kubeadm kustomize gh glab circleci gitlab-runner "
    "jenkins-cli jenkins ldcli unleash flipt"
    " split fastly wrangler cf deck kong apigeecli stripe splunk newrelic datadog-ci "
    "sentry-cli pagerduty heroku flyctl"
    " fly vercel netlify firebase supabase railway render elastic elasticsearch-cli "
    "curator influx grafana-cli promtool"
    " amtool wg tailscale zfs virsh vboxmanage qm pct lxc incus multipass govc openstack "
    "nova cinder glance neutron"
    " dnscontrol route53 certbot acme.sh step cosign crane skopeo oras regctl harbor "
    "longhornctl kubevirt virtctl oc-adm"
    " cmctl kfctl juju maas cloudflared wrangler2 http-server algolia meilisearch "
    "typesense mongocli atlas pscale"
    " turso neonctl cockroach yugabyte ysqlsh tikv-ctl pd-ctl tiup braintree square "
    "haproxyctl varnishadm firewall pulumi"
    " databricks snow bq dataproc emr hdfs hadoop ozone alluxio minio "
    "velero-plugin rundeck puppet chef knife"
    " salt-key salt-run awx tower-cli octopus spinnaker spin tekton tkn dapr cdk sam "
    "serverless sls amplify copilot"
    " ecs-cli eb k6 rundeck-cli mailgun ses postmark sendgrid twilio"
)
LONG_OPTIONS = frozenset(
    ("terraform", "tofu", "terragrunt", "packer", "vault", "consul", "nomad", "hdfs", "hadoop")
)
SIZES = re.compile(
    r"(?:--|\b)(?:replica-?s?(?:count)?|(?:desired-|new-|min-|max-)?(?:capacity|desired-count)|desired-(?:count|size)|num-nodes|"
    r"node-count|nodes|size|instance-count|min-size|max-size|min-nodes|max-nodes|"
    r"number)(?:=|\s+)[\"']?0+\b",
    re.IGNORECASE,
)
SIZE_KEYS = re.compile(
    r"\b(?:replicas?(?:Count)?|minReplicas|desiredSize|maxSize|minSize|DesiredCapacity|"
    r"MinSize|MaxSize)\s*=\s*[\"']?0+\b",
    re.IGNORECASE,
)


def manage(call: Call) -> Stream | None:
    words = _words(call)
    if read(call.args, (), long_only=call.program in LONG_OPTIONS).wants_help or _is_rehearsed(call):
        return SOMETHING
    path, bare = " ".join(words), _bare(call.said)
    if _reads_secret(call.program, path, bare):
        call.hit(Rule.SECRETS)
    if any(not set(word).isdisjoint(RUN_TIME) for word in words[:2]):
        call.hit(Rule.OPAQUE)
    if _destroys(call.program, words, path, bare):
        call.hit(Rule.DATA_LOSS)
    if SIZES.search(call.said) or SIZE_KEYS.search(call.said):
        call.hit(Rule.SCALE_TO_ZERO)
    _runs_elsewhere(call)
    return SOMETHING


def _reads_secret(program: str, path: str, bare: str) -> bool:
    if program in STORES and path.startswith("kv "):
        return False
    return bool(SECRET_WORDS.search(path) or (program in CLOUDS and SECRET_WORDS.search(bare)))


def _destroys(program: str, words: list[str], path: str, bare: str) -> bool:
    more = MORE.get(program)
    if more and (re.search(more, bare) or re.search(more, path)):
        return True
    if program == "aws" and SINGLE.search(path):
        return False
    return program not in SPARE and _ends(words, is_service_first=program in CLOUDS)


def _words(call: Call) -> list[str]:
    """The words of the command's path, without options and what looks like their values."""
    words: list[str] = []
    args = list(reversed(call.args))
    single = call.program in LONG_OPTIONS
    while args:
        arg = args.pop()
        if not arg.startswith("-"):
            words.append(arg.lower())
        elif not words and args and not ("=" in arg or single or args[-1].startswith("-") or arg in FLAGS):
            args.pop()
    return words


def _bare(text: str) -> str:
    """Without global options before the first word."""
    return (
        re.sub(r"^(?:--?[\w-]+(?:=\S+|\s+(?!-)[^\s-]\S*)?\s+)+", "", text) if text.startswith("-") else text
    )


def _ends(words: list[str], *, is_service_first: bool = False) -> bool:
    for at, word in enumerate(words[:4]):
        pieces = TOKEN.split(word)
        if pieces[0] in READS and (at or words[1:2] == [] or not is_service_first):
            return False
        if re.search(r"[/@=.]|://", word):
            if at:
                return False
            continue
        if (
            word in ENDS
            or any(piece in ENDS for piece in pieces[:2])
            or (len(pieces) > 2 and "delete" in pieces)
        ):
            return True
    return False


def _is_rehearsed(call: Call) -> bool:
    given = read(call.args, ())
    if any(name == "dry-run" and value not in ("none", "false") for name, value in given.options):
        return True
    if not DRY.isdisjoint(call.args):
        return True
    return call.program in ("borg", "restic", "rclone", "gsutil") and "-n" in call.args


def _runs_elsewhere(call: Call) -> None:
    """`gcloud compute ssh --command`, `aws ssm send-command`: shells on other machines."""
    given = read(
        call.args,
        ("command", "parameters", "scripts", "script", "cli-input-json", "commands", "query", "statement"),
    )
    for text in given.all("command", "scripts", "script"):
        call.script(text)
    for text in given.all("parameters"):
        for found in re.findall(r"commands?[\"']?\s*[=:]\s*\[?\s*[\"']?(.+?)[\"']?\s*\]?\}?$", text):
            call.script(found.strip("\"'[]"))
    for text in given.all("query", "statement"):
        if begins_one(text):
            call.sql(text)


def helm(call: Call) -> Stream | None:
    words = _words(call)
    if words[:1] and words[0] in ("install", "upgrade", "template", "pull", "plugin", "repo"):
        if words[0] in ("install", "upgrade") and not _is_rehearsed(call):
            if SIZE_KEYS.search(call.said):
                call.hit(Rule.SCALE_TO_ZERO)
            if any(word.startswith("http://") for word in words):
                call.hit(Rule.FETCH_AND_RUN)
        return SOMETHING
    return manage(call)


def ansible(call: Call) -> Stream | None:
    given = read(
        call.args,
        listed(
            "m module-name a args i inventory u user f forks l limit e extra-vars t tags "
            "become-user private-key"
        ),
    )
    module, args = (
        (given.last("m", "module-name") or "command").rpartition(".")[2],
        given.last("a", "args") or "",
    )
    if given.has("C", "check") or given.wants_help:
        return SOMETHING
    if module in ("command", "shell", "raw", "script", "win_shell", "win_command") and args:
        call.script(args)
    elif re.search(r"state\s*=\s*['\"]?(absent|stopped)", args):
        call.hit(Rule.REMOVAL if module == "file" else Rule.OUTAGE)
    elif module in ("reboot", "shutdown", "parted", "filesystem"):
        call.hit(Rule.OUTAGE)
    return SOMETHING


def all_of_them() -> dict[str, Handler]:
    handlers: dict[str, Handler] = dict.fromkeys((*FAMILIES, *MORE), manage)
    return handlers | {"helm": helm, "ansible": ansible, "java": _java}


def _java(call: Call) -> Stream | None:
    """`java -jar jenkins-cli.jar … delete-job`."""
    if "-jar" in call.args and any("cli" in arg for arg in call.args):
        at = call.args.index("-jar")
        words = [word.lower() for word in call.args[at + 2 :] if not word.startswith(("-", "http"))]
        if _ends(words) or {"shutdown", "safe-shutdown", "quiet-down", "restart"} & set(words):
            call.hit(Rule.DATA_LOSS)
    return SOMETHING
