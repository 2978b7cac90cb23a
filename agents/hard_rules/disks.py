"""Programs on disks, partitions and volumes: reading is fine, writing below the file system is not."""

from __future__ import annotations

from agents.hard_rules.by_words import always, disk_tool, words_that
from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.hits import UNKNOWN, Rule
from agents.hard_rules.paths import is_disk, is_secret
from agents.hard_rules.streams import Stream
from agents.hard_rules.writes import broken_by


def dd(call: Call) -> Stream | None:
    operands = dict(arg.split("=", 1) for arg in call.args if "=" in arg)
    target, source = operands.get("of", ""), operands.get("if", "")
    if is_disk(target) or (set(target) & UNKNOWN and source.startswith("/dev/")):
        call.hit(Rule.RAW_DISK)
    elif target and (rule := broken_by(target, appends=False)):
        call.hit(rule)
    if is_secret(source) or is_disk(source):
        call.hit(Rule.SECRETS)
    return None


def all_of_them() -> dict[str, Handler]:
    handlers: dict[str, Handler] = {}
    handlers |= dict.fromkeys(("mkfs", "mke2fs", "mkntfs", "mkdosfs", "newfs"), always(Rule.RAW_DISK))
    handlers |= dict.fromkeys(
        ("blkdiscard", "badblocks", "scrub", "nwipe", "dban"), always(Rule.RAW_DISK, "-sv -v -s")
    )
    return handlers | {
        "mkswap": words_that(r"/dev/", Rule.RAW_DISK),
        "tune2fs": words_that(r"-O ?\^|(^| )-\w*f\b", Rule.RAW_DISK),
        "vgchange": words_that(r"(^| )-\w*an\b|--activate[ =]n|-a n", Rule.OUTAGE),
        "lvchange": words_that(r"(^| )-\w*an\b|--activate[ =]n|-a n", Rule.OUTAGE),
        "dd": dd,
        "dcfldd": dd,
        "wipefs": disk_tool("-n --no-act -J -i"),
        "fdisk": disk_tool("-l --list -s"),
        "sfdisk": disk_tool("-l -d --dump --list -J -V --verify"),
        "cfdisk": disk_tool("-P"),
        "gdisk": disk_tool("-l"),
        "sgdisk": disk_tool("-p --print -i -v -O"),
        "parted": disk_tool("-l --list print p"),
        "lvremove": disk_tool("-t --test"),
        "vgremove": disk_tool("-t --test"),
        "pvremove": disk_tool("-t --test"),
        "lvreduce": disk_tool("-t --test"),
        "vgreduce": disk_tool("-t --test"),
        "cryptsetup": disk_tool("status luksDump isLuks benchmark open close luksOpen luksClose resize"),
        "hdparm": disk_tool("-I -i -g -t -T -C"),
        "nvme": disk_tool("list smart-log id-ctrl id-ns error-log fw-log list-subsys show-regs get-feature"),
        "sg_format": disk_tool(""),
        "mdadm": disk_tool("--detail -D --examine -E --query -Q --monitor --add --re-add -a"),
        "dmsetup": disk_tool("ls info status table deps ls --tree resume"),
        "debugfs": disk_tool("-R"),
        "diskutil": disk_tool("list info"),
        "zpool": disk_tool(
            "status list iostat get history events scrub import online clear upgrade attach replace add"
        ),
        "zfs": disk_tool("list get snapshot mount send holds diff userspace create set hold"),
        "btrfs": disk_tool("show usage df list scrub balance stats status start get"),
        "xfs_db": disk_tool("-r"),
        "xfs_repair": words_that(r"(^| )-\w*L", Rule.RAW_DISK),
        "lvresize": words_that(r"(-L|-l|--size|--extents)[= ]?-", Rule.RAW_DISK),
        "fallocate": words_that(r"-l ?\d+[TPE]", Rule.OUTAGE),
        "fuser": words_that(r"(^| )-\w*k", Rule.OUTAGE),
        "mount": words_that(r"remount,ro|ro,remount|/dev/null", Rule.OUTAGE),
    }
