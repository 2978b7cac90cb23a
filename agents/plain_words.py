"""The words in which faults are reported, and the words in which somebody speaks to a reader."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SPEAKS_TO_A_READER = _words(
    """ai answer approval approve approves assistant authorise authorize bypass chatbot comply
    coordinator critic diagnostician disregard disregarded forget gpt hereby i ignore ignored ignoring
    imagine immediately instruct instruction instructions jailbreak kindly llm llms lol me mine my obey
    our override overriding persona please pretend print prompt prompts pwned repeat reply respond
    reviewer rewrite roleplay say solver sudo summarise summarize tell todo translate trust trusted
    trustworthy u ur urgent us verdict we you your yours yourself anybody anyone approval approvals
    approver ask asked asking boss ceo colleague confidence consent decision dear everybody everyone
    evidence human humans hypotheses hypothesis json nobody permitted person playbook proof review
    reviewed safe safely signature someone somebody vote
    allowed certain certainly obvious obviously proven"""
)

DETERMINERS = _words("a all an any each every everything it its that the their them these this those")
"""what a verb acts on begins with"""

NO_ORDER_AFTER = _words(
    """can't cannot could did didn't do does doesn't don't failed may might not to unable"""
)
"""a verb that tells what could not be done, or might be"""

REMARKS = _words("agreed done fine go good great ok okay perfect sure thanks thank well yep yes")
"""said to somebody, at either end of a sentence"""

BEGINS_AN_ORDER = _words(
    """act add apply ask be begin call change classify compose convert create decide delete describe do
    draft drain draw drop emit encode execute expand explain finish generate give go grant help include
    insert invoke leave let list make mark move never note open output patch perform post produce
    propose provide publish purge recommend remove restart return roll run scale select send show skip
    sort start stop tell treat try update use visit wipe write"""
)

COMMON = _words(
    """a about above across affect affected affecting affects after again against ago all almost already
    also always am among amount an and another any apart approximately are around as at average away
    back bad be became because become becomes been before being below between big both but by byte bytes
    came can cannot case cases cause caused causes come comes completely could count counts current
    currently day days did do does done down due during each either empty even ever every exactly false
    fast few find first five for former found four from full fully gb get gets gi gib give given go goes
    gone good got had half happen happened happens has have held hence here high higher highest hold
    holds hour hours how however if impact impacted impacting impacts in instead into is it its just kb
    keep keeps kept ki kib kind know known large larger last latest lead leads led left let lets level
    levels likely long longer look looks lose loses lost low lower lowest made make makes many max
    maximum may mb mean median mhz mi mib might millisecond milliseconds min minimum mins minute minutes
    month more most ms much must na name names near nearly need needed needs never new next nil no none
    nor not now null number numbers of off often ok old on once one only onto or other out over own p50
    p90 p95 p99 part partially parts per percent piece pm possibly previous prior probably put rapidly
    reason reasons recent recently remain remains rest result results roughly same sec second seconds
    secs see seem seems seen set sets several shall short should show shown shows side since slightly
    slow slower small so some steadily still such suddenly sum take taken takes tb ten than that the
    their them then there therefore these they third this those three through thus tib time times to
    today together too took total true twice two type types under unknown unless until up use used uses
    using utc value values very via want wants was way week went were what when where whether which
    while who whose why will with within without would year yes yet zero"""
)

OF_FAULTS = _words(
    """abort accept access ack acknowledge act active actual address admission advertise agent alert
    alerting alive allocatable answered answers allocate allocation annotation anomaly apache api app
    application apply approach area argocd array assign attach attempt audit auth authenticate
    authentication authorization auto autoscale autoscaler availability available average await backend
    backlog backoff backup bad balance balancer bandwidth batch became becomes behind bgp binary bind
    bit block blocked broken broker bucket budget buffer build burn burst busy cache cached calico call
    caller capacity cassandra celery ceph cert certificate change channel check checkpoint cilium
    circuit claim clean cleanup client clock close cloud cluster code cold collect collection collector
    command commit compact compaction complete component compute condition conditions config configmap
    configuration configure confirm congestion connect connection connectivity consensus consist
    consistent consul consume consumer contact container containerd containers containersready
    contention context control controller copy cordon core coredns corrupt count cpu crash crashloop
    crashloopbackoff crashlooping create creation credential critical cron cronjob crossplane daemon
    daemonset dashboard data database datacenter datanode date dead deadline deadlock deadlocks debug
    declared decline decrease default defer degrade delay delete deliver delivery demand deny
    dependencies dependency deploy deployment depth deschedule describe desire desired detach detect
    deviate device diff difference digest dirty disable disappear disconnect discovery disk dispatch
    disrupt disruption dns docker domain down downstream downtime drain drift drive drop duplicate
    duration dynamic early eject elastic elasticsearch elect election element elevate emit enable
    encounter end ended endpoint endpointslice engine enough enter entries entry environment ephemeral
    error errored etcd evaluate evaluation event evict evicted eviction exceed exception excess
    excessive exec execute execution exhaust exhaustion exist exit expect experience expire expiry
    export exporter external extra fail failed failing failover failure fall fatal fault feature fell
    fetch file filesystem fill filling finalizer finish fire firewall firing flap flood flow fluentd
    flush follow follower forbid force forward fraction fragment free freeze front frontend full
    function garbage gateway generate generation get global grafana graph group grow growth grpc guest
    hang haproxy hardware hash head health healthcheck healthy heap heartbeat helm hit hop host hot hpa
    http https hung icmp id idle image imagepullbackoff incident incoming increase indicate inflight
    influxdb infrastructure ingest ingester ingress init initialize initialized inode inodes input
    insert instance insufficient integrity interface internal interrupt invalid inventory io iops ip
    iptables irq isr issue istio iteration jaeger java job join journal jvm kafka keepalive kernel key
    keycloak kibana kill killed kube kubelet kubernetes label lag lagging latency launch layer leader
    leak lease length lifecycle limit line link liveness load loadbalancer local lock log login logs
    loki loop looping loss machine main maintenance manage management manager manifest map mark master
    match maxed measure member memory mesh message metadata metric middleware migrate migration mirror
    mismatch miss missing mode module mongo mongodb monitor mount move multiple mysql namenode namespace
    nat network nfs nginx node node's nodes noisy normal notification notify notready ntp object observe
    occupy occur off offline offset oom oomkilled open operate operation operator optimal orphan outage
    outbound outdated output overcommit overflow overload own owner packet page panic parameter parse
    partition pass patch path pause payload peak peer pending perform performance period permission
    persistent persistentvolume persistentvolumeclaim phase physical ping pipeline plan platform pod
    podman podreadytostartcontainers podscheduled point policy poll pool port postgres postgresql power
    preempt present pressure prevent primary priority probe problem process processor produce producer
    product profile progress prometheus promote provision provisioner proxy publish pull purge push pv
    pvc queries query queue queued quorum quota rabbitmq raft raid ram range rate ratio reach reachable
    read readiness readonly ready reason rebalance reboot receive received receiver reconcile reconnect
    record recover recovery recreate redirect redis reduce refresh refuse region register registry
    reject related release reload remote remove rendering repair replica replicas replicaset replicate
    replication report request requests require reschedule reserve reset resize resolve resolver
    resource response restart restarts restore resume retention retries retry return revert revision
    revoke ring roll rollback rollout root rose rotate round route router row rule run running runtime
    saturate saturation scale schedule scheduled scheduler schema scrape script search secondary secret
    section segment select selector send sensor serve server service session shard share ship shrink
    shut shutdown sidecar signal silence silent single site size skew slave slot slow smart snapshot
    socket space span spec spike split spread ssl stable stack stage stale standby start startup starve
    state statefulset static status stayed steady steal step stop storage store stream stress stuck
    subnet subscribe subscription succeed success successful suffer support surge suspend swap switch
    sync synchronize synchronized system systemd table tablespace taint target task tcp temperature
    template temporary tenant terminate termination test thanos thread threshold throttle throughput
    throw timeout tls token tolerance tolerate topic topology trace traces traffic transaction transfer
    transient transmit trigger truncate try tsdb ttl turn udp unable unauthorized unavailable unchanged
    unexpected unhealthy uninitialized unit unknown unlock unmount unreachable unready unresponsive
    unschedulable unstable unsuccessful unsynced unusual update upgrade upstream uptime usage use user
    users utilisation utilization validate validity vault vector verify version virtual visible vm
    volume volumes wait waiting wal warn warning watch watchdog webhook weight window windows work
    worker workload write writes wrong zone zookeeper"""
)

NO_REMARK_AFTER = _words("""are be been health is not reports returned returns state status was were""")

PRODUCTS = _words(
    """alb alertmanager argo aws azure blackbox clickhouse cockroach conntrack contour cortex couch
    couchdb ct db dynamodb eck edac elb envoy flink galera gcp gitlab gke eks aks ha hadoop ipmi jenkins
    jetstream jmx kong kvm lambda linkerd md memcached mimir minio mq mssql nats netdata openstack
    opensearch opentelemetry oracle os otel percona pg pgbouncer presto proxmox pulsar ra rabbit raid
    rds req s3 snmp solr spark sql sqs stackdriver temporal telemetry tempo tidb tikv traefik trino
    varnish vm vmware zfs"""
)
"""their names, and how they are shortened, say nothing to anybody"""

SHORT = _words(
    """avg b bin boot d data dev e eg etc ext4 g gc h home id ids ie k lib log m max min mnt ms n nr ns
    num opt proc q r root s srv std sys t tmp uid usr v var vs w x xfs"""
)
"""units, folders, and what stands for a number"""
