#!/usr/bin/env bash
# Twelve rows through Slurm with two nodes on this machine. One node is killed while it computes; its part goes back to the
# queue, and in the end every picture is there, byte for byte as of one run. Starts its own munged, slurmctld and slurmd,
# without systemd.
#
#     slurm.sh FOLDER PROGRAM
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
begin "$@"
export PATH="$PATH:/usr/sbin:/sbin"
need slurmctld slurmctld slurmd slurm-client munge
[ "$(id -u)" = 0 ] || missing "slurmd wants to be root"

pids=()
end() {
    scancel --state=RUNNING,PENDING --user="$(id -un)" >/dev/null 2>&1 || true
    kill_node n1
    kill_node n2
    kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}

# The processes of a node and of what it runs, by their environment.
of_node() { # NODE
    local environment text
    for environment in /proc/[0-9]*/environ; do
        text=$'\n'"$( (tr '\0' '\n' <"$environment") 2>/dev/null)"$'\n' || true
        case "$text" in
        *$'\n'"FARM_TEST_NODE=$work/$1"$'\n'*) ;;
        # A job has the environment of the one who submitted it, and this.
        *$'\n'"SLURMD_NODENAME=$1"$'\n'*) [[ "$text" == *$'\n'"SLURM_CONF=$SLURM_CONF"$'\n'* ]] || continue ;;
        *) continue ;;
        esac
        basename "$(dirname "$environment")"
    done
}
kill_node() { # NODE
    local found steps process parent
    found="$(of_node "$1")"
    # First slurmstepd, the parent of what a node runs: it must not live to tell that its children were killed.
    steps="$(for process in $found; do ps -o ppid= -p "$process" || true; done | sort -u | while read -r parent; do
        [[ "$(ps -o args= -p "$parent")" != slurmstepd:* ]] || echo "$parent"
    done)"
    # shellcheck disable=SC2086
    [ -z "$found" ] || kill -9 $steps $found 2>/dev/null || true
}
await() { # SECONDS WHAT COMMAND...
    local end=$((SECONDS + $1)) what="$2"
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || fail "no $what in time; see the queue" <(squeue 2>&1; tail -n 40 "$work/slurmctld.log")
        sleep 1
    done
}

host="$(hostname -s)"
export SLURM_CONF="$work/slurm.conf"
mkdir "$work/state" "$work/munge"
chmod 755 "$work"
head -c 1024 /dev/urandom >"$work/munge/key"
chmod 600 "$work/munge/key"
munged --foreground --force --num-threads=2 --key-file="$work/munge/key" --socket="$work/munge/socket" \
    --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed" >"$work/munge/out" 2>&1 &
pids+=($!)
await 20 "munged" test -S "$work/munge/socket"

# cred_expire: a part goes back to the queue when its credential has expired, by default after two minutes.
cat >"$SLURM_CONF" <<CONF
ClusterName=farm
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=16817
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket,cred_expire=5
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
SlurmdParameters=config_overrides
SlurmdTimeout=10
RequeueExit=75
StateSaveLocation=$work/state
SlurmctldPidFile=$work/slurmctld.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdSpoolDir=$work/spool-%n
SlurmdPidFile=$work/%n.pid
SlurmdLogFile=$work/%n.log
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=16821 CPUs=1 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=16822 CPUs=1 State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
CONF
slurmctld -D -f "$SLURM_CONF" >"$work/slurmctld.out" 2>&1 &
pids+=($!)
for node in n1 n2; do
    FARM_TEST_NODE="$work/$node" slurmd -D -N "$node" -f "$SLURM_CONF" >"$work/$node.out" 2>&1 &
    disown # Its end is no news.
done
both_idle() { [ "$(sinfo -h -t idle -N | wc -l)" = 2 ]; }
await 60 "two nodes" both_idle

# Pictures that take a while.
sed -i 's/"width": 64, "height": 64/"width": 1500, "height": 1500/' "my graph.json"
rows=(--seeds 1-12 --no-metadata --threads 1)
"$program" run "my graph.json" "${rows[@]}" --out expected >"$work/log" 2>&1 || fail "the run" "$work/log"
"$program" farm export slurm "my graph.json" "${rows[@]}" --shards 4 --program "$program" --out "out put" \
    --cache "$work/cache" --name "it's {my} job" -o "$work/it's.sh" >"$work/log" 2>&1 || fail "the export" "$work/log"
cd /
job="$(sbatch --parsable "$work/it's.sh")" || fail "sbatch"

# The second node dies while it is at its second row or later.
second_row() { [ -n "$(squeue -h -t running -w n2 -o %i)" ] && [ "$(pictures "$place/out put" | wc -l)" -ge 3 ]; }
await 120 "pictures of both nodes" second_row
part="$(squeue -h -t running -w n2 -o %K)"
kill_node n2
echo "killed node n2 with part $part"
[ -z "$(of_node n2)" ] || fail "n2 is still there"

part_waits() { squeue -h -j "$job" -t pending -r -o '%K %r' | grep -q "^$part "; }
await 120 "part $part in the queue again" part_waits
nothing_left() { [ -z "$(squeue -h -j "$job")" ]; }
await 300 "end of all parts" nothing_left

same_pictures "$place/expected" "$place/out put"
[ "$(find "$place/log" -name '*.out' | wc -l)" = 4 ] || fail "four logs were expected" <(ls "$place/log")

# What ends with 75 is begun again.
printf '#!/bin/sh\nif mkdir "%s" 2>/dev/null; then exit 75; fi\n' "$work/tried" >"$work/later.sh"
job="$(sbatch --parsable --output=/dev/null "$work/later.sh")" || fail "sbatch"
await 60 "end of what was to be tried later" nothing_left
scontrol show job "$job" | grep -q "JobState=COMPLETED" && scontrol show job "$job" | grep -q "Restarts=1" \
    || fail "exit code 75 was not tried again" <(scontrol show job "$job")

grep -h "skipped" "$place"/log/*_"$part".out | tail -n 1
echo "slurm: 12 rows in 4 parts on two nodes; part $part was begun again on the other node, and nothing was lost; exit code 75 was tried again"
