#!/usr/bin/env bats
# examples/cluster: the same tasks under make, xargs, GNU parallel and Slurm, and ft-train on several
# ranks. Slurm is a controller, a node and munge of the tests' own on the loopback; what stands for
# the API is a stub. make check-cluster sets FT_CLUSTER=1 and builds what MPI needs.

load helper

# One node that says it has four processors, in a directory and on ports of its own. No accounting,
# no cgroups: what a container can give.
start_slurm() {
	local d=$BATS_FILE_TMPDIR/slurm port=$((20000 + $$ % 20000)) node=${HOSTNAME:-$(hostname)} name
	for name in slurmctld slurmd munged sbatch; do
		command -v $name >/dev/null || return 0
	done
	mkdir -p "$d/state" "$d/spool"
	head -c 1024 /dev/urandom >"$d/key"
	chmod 400 "$d/key"
	cat >"$d/slurm.conf" <<END
ClusterName=ft
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthInfo=socket=$d/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerParameters=sched_interval=2,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
OverTimeLimit=1
StateSaveLocation=$d/state
SlurmdSpoolDir=$d/spool
SlurmctldPidFile=$d/slurmctld.pid
SlurmdPidFile=$d/slurmd.pid
SlurmctldLogFile=$d/slurmctld.log
SlurmdLogFile=$d/slurmd.log
NodeName=$node NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
	export SLURM_CONF=$d/slurm.conf
	serve munged -F --force --num-threads=2 --socket="$d/munge.socket" --key-file="$d/key" --pid-file="$d/munge.pid" \
		--log-file="$d/munge.log" --seed-file="$d/seed"
	await [ -S "$d/munge.socket" ]
	serve slurmctld -D
	serve slurmd -D
	for _ in $(seq 100); do
		[[ $(timeout 5 sinfo -h -o %t 2>/dev/null) != *idle* ]] || break
		sleep 0.1
	done
	if [[ $(timeout 5 sinfo -h -o %t) == *idle* ]]; then
		: >"$d/up"
	else
		tail -n 20 "$d"/*.log
	fi
}

serve() {
	setsid "$@" </dev/null >/dev/null 2>&1 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
}

setup_file() {
	export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
	[ -z "${FT_CLUSTER:-}" ] || start_slurm
}

teardown_file() {
	local pid
	if [ -e "$BATS_FILE_TMPDIR/slurm/up" ]; then
		timeout 5 scancel --user="$(id -un)" || true
		sleep 1
	fi
	while read -r pid; do
		kill "$pid" 2>/dev/null || true
	done < <(tac "$BATS_FILE_TMPDIR/pids" 2>/dev/null)
	for pid in $(cat "$BATS_FILE_TMPDIR/pids" 2>/dev/null); do
		for _ in $(seq 200); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.05
		done
	done
}

# In place of helper.bash's.
teardown() {
	stop_stub
	stop "${SSHD_PID:-}"
}

need_slurm() {
	[ -n "${FT_CLUSTER:-}" ] || skip "make check-cluster runs it"
	[ -e "$BATS_FILE_TMPDIR/slurm/up" ] || skip "no slurmctld, slurmd and munge here, or they do not run"
}

# prepare - 60 messages of three topics, and what one process makes of them.
prepare() {
	cp -r "$ROOT/examples/cluster" .
	jq -nc 'range(60) | (["billing", "delivery", "account"][. % 3]) as $t
		| {id: "r\(.)", created: "2024-01-\(101 + . % 28 | tostring[1:])", amount: (. * 37 % 101 / 4),
			messages: [{role: "user", content: "about \($t) \(.)"}, {role: "assistant", content: $t}]}' >rows.jsonl
	printf '{"match": "about %s", "reply": "%s"}\n' billing billing delivery delivery account other >replies.jsonl
	start_stub --replies replies.jsonl --log asked.jsonl --delay "${1:-0}"
	RUN=$TMP/run
	OPTIONS=(--no-print-directory -C cluster MODEL=stub "DATA=$TMP/rows.jsonl" "RUN=$RUN" "PATH=$PATH")
}

# How an answer came is left out of the comparison; all else is to be the same.
same_answers() {
	local how='del(.latency, .ttft, .request_id, .attempts, .cached)'
	ft-prompt -q -m stub -s @cluster/prompt.txt --cache one.cache rows.jsonl >one.jsonl
	jq -c "$how" one.jsonl >one
	jq -c "$how" "$RUN/answers.jsonl" >sharded
	diff sharded one
}

# run_on ENGINE - answers, scores and columns from shards are those of the whole.
run_on() {
	prepare
	status_is 0 make "${OPTIONS[@]}" "ENGINE=$1"
	same_answers
	ft-eval -q --table -c exact "$RUN/answers.jsonl" >want
	cmp "$RUN/report.txt" want
	make "${OPTIONS[@]}" "ENGINE=$1" drift >/dev/null
	jq -c ".amount += 90" rows.jsonl >later.jsonl
	status_is 1 ft-drift --json -r rows.jsonl later.jsonl
	want=$output
	status_is 1 ft-drift --json -r "$RUN/rows.profile" later.jsonl
	[ "$output" = "$want" ]
	[ "$(jq -s length asked.jsonl)" -eq 120 ] # once by the shards, once by one process
}

# with_parallel FUNCTION - calls it for GNU parallel, which keeps what it knows in HOME.
with_parallel() {
	command -v parallel >/dev/null || skip "no GNU parallel here"
	mkdir home
	HOME=$TMP/home "$1" parallel
}

@test "shards under make -j: what one process answers, scores and finds in the columns" { run_on make; }

@test "shards under xargs -P: the same" { run_on xargs; }

@test "shards under GNU parallel: the same" {
	with_parallel run_on
	[ "$(wc -l <"$RUN/ask.joblog")" -eq 5 ]
}

# start_sshd - a server of the test's own for whoever runs it, on the loopback; $TMP/ssh.conf is how to reach it. It brings along what a
# machine of a cluster has of itself: the address of the API and its key.
start_sshd() {
	local port=$((20000 + ($$ + 7919) % 20000)) command
	local -a server=("$(PATH=$PATH:/usr/sbin command -v sshd)" -D -e -f "$TMP/sshd.conf")
	for command in ssh ssh-keygen sshd; do
		PATH=$PATH:/usr/sbin command -v $command >/dev/null || skip "no $command here"
	done
	ssh-keygen -q -t ed25519 -N '' -f host
	ssh-keygen -q -t ed25519 -N '' -f user
	cat >sshd.conf <<-END
		ListenAddress 127.0.0.1
		Port $port
		HostKey $TMP/host
		AuthorizedKeysFile $TMP/user.pub
		StrictModes no
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		PermitRootLogin prohibit-password
		PidFile none
		SetEnv OPENAI_BASE_URL=$OPENAI_BASE_URL OPENAI_API_KEY=$OPENAI_API_KEY
	END
	cat >ssh.conf <<-END
		Host *
		Port $port
		IdentityFile $TMP/user
		IdentitiesOnly yes
		BatchMode yes
		UserKnownHostsFile $TMP/known
		StrictHostKeyChecking accept-new
		LogLevel ERROR
	END
	# As root it wants an empty directory under /run, which need not be there: it gets a /run of its own.
	if [ "$(id -u)" -eq 0 ] && [ ! -d /run/sshd ]; then
		# shellcheck disable=SC2016 # the inner shell expands it
		server=(unshare --mount sh -c 'mount -t tmpfs run /run && mkdir -m 755 /run/sshd && exec "$0" "$@"' "${server[@]}")
	fi
	setsid "${server[@]}" </dev/null >sshd.log 2>&1 3>&- &
	SSHD_PID=$!
	for _ in $(seq 50); do
		ssh -F ssh.conf 127.0.0.1 true 2>/dev/null && return
		kill -0 $SSHD_PID 2>/dev/null || break
		sleep 0.1
	done
	skip "sshd lets nobody in here: $(tail -n 1 sshd.log)"
}

@test "shards under GNU parallel over ssh: the same, with no variable but those that a task has to know" {
	over_ssh() {
		prepare
		start_sshd
		status_is 0 make "${OPTIONS[@]}" ENGINE=parallel PARALLEL_SSH="ssh -F $TMP/ssh.conf" \
			PARALLEL="-S 2/127.0.0.1 --workdir $TMP/cluster"
		awk 'NR > 1 && $2 != "127.0.0.1" { exit 1 }' "$RUN/ask.joblog"
		same_answers
		[ "$(jq -s length asked.jsonl)" -eq 120 ]
		# The key is in no file of the run or of GNU parallel.
		run ! grep -rqs "$OPENAI_API_KEY" "$RUN" "$TMP/home"
	}
	with_parallel over_ssh
}

# run_again ENGINE - where a task failed, the same command runs that one again, and the others not.
run_again() {
	prepare
	mkdir broken
	printf '#!/bin/sh\ncase "$*" in *2.rows) exit 137 ;; esac\nexec %s "$@"\n' "$BUILD/bin/ft-prompt" >broken/ft-prompt
	chmod +x broken/ft-prompt
	run ! make "${OPTIONS[@]}" "ENGINE=$1" "PATH=$TMP/broken:$PATH"
	[ ! -e "$RUN/answers.jsonl" ]
	[ ! -e "$RUN/2.answers" ]
	make "${OPTIONS[@]}" "ENGINE=$1" >/dev/null
	[ "$(jq -s length asked.jsonl)" -eq 60 ]
	same_answers
}

@test "a shard that failed is run again by make, and the others are not" { run_again make; }

@test "a shard that failed under xargs: the same" { run_again xargs; }

@test "a shard that failed under GNU parallel is the one that its job log has it run again" {
	with_parallel run_again
	awk 'NR > 1 {n[$NF]++} END {exit !(n[0] == 1 && n[1] == 1 && n[2] == 2 && n[3] == 1)}' "$RUN/ask.joblog"
}

@test "a row stays in its shard as rows come in" {
	prepare
	jq -r --argjson shards 4 -f cluster/shard.jq rows.jsonl >before
	[ "$(sort -u before | wc -l)" -eq 4 ]
	jq -nc '{id: "new"}, {prompt: "p"}, {messages: []}' | cat - rows.jsonl |
		jq -r --argjson shards 4 -f cluster/shard.jq | tail -n +4 | cmp - before
}

# --- Slurm ---

# say TEXT... - into the test's output, for what happened is news there.
say() { printf '# %s\n' "$*" >&3; }

# hurry PID - waits for it. A job that was requeued begins two minutes later, so that all of it that ran is gone
# by then; Slurm has no setting for that. Here it begins once its processes are gone.
hurry() {
	local id
	while kill -0 "$1" 2>/dev/null; do
		for id in $(timeout 5 squeue -h -t PD -o "%A %r" | sed -n "s/ BeginTime$//p"); do
			while pgrep -f "^slurmstepd: \\[${id}[.\\]]" >/dev/null; do sleep 0.1; done
			sleep 4
			timeout 5 scontrol update JobId="$id" StartTime=now
		done
		sleep 0.2
	done
	wait "$1"
}

# jobs_of - the state and the restarts of each task that Slurm still knows.
jobs_of() {
	timeout 10 scontrol -o show job |
		sed -E 's/^JobId=([0-9]+).* JobState=([A-Z]+).*Restarts=([0-9]+).*ExitCode=([0-9:]+).*/\1 \2 restarts \3 exit \4/' |
		while read -r line; do say "job $line"; done
}

@test "Slurm: an array answers as one process does, a task killed in the middle is requeued, no answer is paid twice" {
	need_slurm
	prepare 200
	OPTIONS+=(ENGINE=slurm ASK="-j 2" POLL=0.2)
	timeout 300 make "${OPTIONS[@]}" ask >make.out 2>&1 3>&- &
	make=$!
	await eval '[ "$(wc -l 2>/dev/null <"$RUN/2.answers.new")" -ge 3 ] 2>/dev/null'
	victim=$(pgrep -f "^ft-prompt .*$RUN/2.rows$")
	kill -STOP "$victim"
	cp "$RUN/2.answers.new" had.jsonl
	[ -s had.jsonl ]
	[ "$(wc -l <had.jsonl)" -lt "$(wc -l <"$RUN/2.rows")" ]
	kill -KILL "$victim"
	hurry $make || { cat make.out "$RUN"/*.log; false; }
	jobs_of
	timeout 10 scontrol -o show job >known
	grep -q "Restarts=1 " known
	asked=$(jq -s length asked.jsonl)
	say "60 rows, $asked requests, $(wc -l <had.jsonl) answers of shard 2 when it was killed"
	same_answers
	[ "$asked" -ge 60 ]
	[ "$asked" -le 62 ] # two were under way
	jq -r '.messages[0].content' had.jsonl | while read -r text; do
		[ "$(head -n "$asked" asked.jsonl | grep -cF "$text\"")" -eq 1 ]
	done
}

# --- training ---

prepare_training() {
	prepare
	head -n 40 rows.jsonl >train.jsonl
	tail -n 20 rows.jsonl >valid.jsonl
	echo '{"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
		"num_key_value_heads": 1, "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}' >config.json
	ft-train -q --scratch config.json -o base --steps "${1:-1}" --lr 5e-3 train.jsonl >/dev/null
	OPTIONS+=("BASE=$TMP/base" "TRAIN=$TMP/train.jsonl" "VALID=$TMP/valid.jsonl" POLL=0.2)
}

need_mpi() {
	[ -n "${FT_CLUSTER:-}" ] || skip "make check-cluster runs it"
	MPI=${FT_MPI_BUILD:-$ROOT/build/mpi}/bin
	[ -x "$MPI/ft-train" ] && command -v mpirun >/dev/null || skip "no MPI build (make BUILD=build/mpi MPI=1) or no mpirun"
}

@test "a sweep as an array: the cheapest that is good enough, whatever runs it; none is an answer too" {
	prepare_training 10
	printf '1e-6 2\n2e-3 2\n' >cluster/sweep.txt
	make "${OPTIONS[@]}" sweep "REQUIRE=exact>=0" >/dev/null
	[ "$(grep -c 'lr .*, rank' "$RUN/chosen.txt")" -ge 2 ]
	for n in 0 1; do
		[ "$(jq -s length "$RUN/$n.tried")" -eq 20 ]
		[ -s "$RUN/$n.adapter/adapter_model.safetensors" ]
	done
	sum=$(sha256sum "$RUN"/*.tried)
	make "${OPTIONS[@]}" -B sweep "REQUIRE=exact>=0.99" >/dev/null # measured anew, not trained anew
	grep -q missed "$RUN/chosen.txt" || { cat "$RUN/chosen.txt"; false; }
	sha256sum "$RUN"/*.tried | diff - <(echo "$sum")
}

# reviewed ENGINE - what an array of four finds is what the same steps find by hand; a row with a wrong label is among the rows.
reviewed() {
	prepare_training 10
	jq -c 'if .id == "r7" then .messages[1].content = "billing" else . end' rows.jsonl >labelled.jsonl
	OPTIONS+=("DATA=$TMP/labelled.jsonl" "ENGINE=$1" TRAIN_OPTIONS="--steps 4 --rank 4 --lr 1e-2")
	timeout 300 make "${OPTIONS[@]}" review >/dev/null
	for n in 0 1 2 3; do
		others=()
		for m in 0 1 2 3; do [ $m = $n ] || others+=("$RUN/$m.rows"); done
		ft-train -q -m ./base -o "by$n" --steps 4 --rank 4 --lr 1e-2 "${others[@]}" >/dev/null
		ft-review --scan -q -m ./base -a "by$n" "$RUN/$n.rows"
	done | ft-review --scan -q >want.jsonl
	cmp "$RUN/suspects.jsonl" want.jsonl
	[ "$(jq -r .id want.jsonl | sort | sha256sum)" = "$(jq -r .id rows.jsonl | sort | sha256sum)" ]
	jq -se 'all(.[]; .review.loss > 0)' want.jsonl
}

@test "label errors in cross-validation as an array: each row is judged by a model of the other shards" { reviewed make; }

# ranks N OUT STEPS OPTIONS... - ft-train on N ranks.
ranks() {
	timeout 300 mpirun --bind-to none -n "$1" "$MPI/ft-train" -q -m ./base -o "$2" --steps "$3" --save-every 20 \
		--batch 8 --lr 1e-3 train.jsonl "${@:4}"
}

# The processes of a run, once it has a checkpoint.
ranks_of() {
	await [ -s "$1/checkpoint.safetensors" ]
	pgrep -f "^[^ ]*ft-train .*-o $1 "
}

@test "2 and 4 ranks: the losses of one process; a rank killed, all ended by TERM: gone on with bit for bit" {
	need_mpi
	prepare_training
	ft-train -q -m ./base -o one --steps 20 --batch 8 --lr 1e-3 train.jsonl >one.jsonl
	for n in 2 4; do
		ranks "$n" "few$n" 20 >"few$n.jsonl"
		for run in one "few$n"; do jq 'select(.step and .loss and (.end | not)) | .loss' $run.jsonl >$run.losses; done
		paste one.losses "few$n.losses" |
			awk '{d = $1 - $2; if (d < 0) d = -d; if (d > most) most = d; n++}
				END {print n, most; exit !(n >= 10 && most < 1e-4)}' >apart
		say "$n ranks: losses compared and the greatest difference: $(cat apart)"
		ranks "$n" whole 400 >/dev/null
		for signal in KILL TERM; do
			ranks "$n" cut 400 >cut.jsonl 2>cut.err 3>&- &
			run=$!
			ranks=$(ranks_of cut)
			[ "$signal" = TERM ] || ranks=${ranks##*$'\n'} # one is enough
			for pid in $ranks; do kill -"$signal" "$pid"; done
			status=0
			wait $run || status=$?
			[ "$status" -ne 0 ]
			at=$(jq -s 'map(.step // 0) | max' cut/metrics.jsonl)
			[ "$at" -lt 400 ]
			ranks "$n" cut 400 --resume >on.jsonl
			say "$n ranks, $signal: status $status, resumed at step $(jq -s 'map(.step // empty)[0]' on.jsonl) of 400"
			cmp cut/adapter_model.safetensors whole/adapter_model.safetensors
			rm -rf cut
		done
		rm -rf whole
	done
}

@test "Slurm: label errors in cross-validation as an array: the same" {
	need_slurm
	reviewed slurm
	jobs_of
}

# A whole model of eight layers, none of whose sizes divides by ranks, from nothing.
prepare_whole() {
	prepare
	head -n 40 rows.jsonl >train.jsonl
	echo '{"model_type": "llama", "hidden_size": 127, "intermediate_size": 303, "num_hidden_layers": 8, "num_attention_heads": 1,
		"num_key_value_heads": 1, "head_dim": 64, "max_position_embeddings": 512, "rms_norm_eps": 1e-5,
		"tie_word_embeddings": true}' >config.json
}

# whole N OUT STEPS OPTIONS... - trains it on N ranks.
whole() {
	timeout 300 mpirun --bind-to none -n "$1" "${TRANSPORT[@]}" "$MPI/ft-train" -q --scratch config.json -o "$2" --steps "$3" \
		--batch 7 --lr 1e-3 --threads 1 train.jsonl "${@:4}"
}

@test "sums on 1 to 5 ranks, in the background and cut anyhow: the bits of one in the order of ranks" {
	need_mpi
	for n in 1 2 3 5; do
		timeout 300 mpirun --bind-to none -n $n "$MPI/../tests/train-ranks" >tap
		run ! grep '^not ok' tap
		[ "$(grep -c '^ok' tap)" -eq 27 ]
	done
}

@test "a whole model on 2, 3 and 4 ranks: losses of one, each with its shard; killed, it goes on bit for bit, or on other ranks" {
	need_mpi
	prepare_whole
	ft-train -q --scratch config.json --steps 16 --batch 7 --estimate train.jsonl >estimate.json
	jq -e '.ranks | .[0].gradients_and_optimiser as $one | .[] | select(.ranks == 4) |
		.gradients_and_optimiser < .4 * $one' estimate.json
	whole 1 one 16 >one.jsonl
	jq 'select(.lr) | .loss' one.jsonl >one.losses
	for n in 2 3 4; do
		whole $n few$n 16 >few$n.jsonl
		jq 'select(.lr) | .loss' few$n.jsonl | paste one.losses - |
			awk '{d = $1 - $2; if (d < 0) d = -d; if (d > most) most = d; n++}
				END {print n, most; exit !(n == 16 && most < 1e-4)}' >apart
		say "$n ranks, all weights: losses compared and the greatest difference: $(cat apart);" \
			"$(jq -s -c 'map(select(.end))[0] | {sent, transferred_s, waited_s}' few$n.jsonl)"
		[ "$(jq .ranks few$n/ft.json)" -eq $n ]
	done
	for n in 2 4; do
		want=$(jq ".ranks[] | select(.ranks == $n) | .sent_per_step" estimate.json)
		jq -se --argjson want "$want" 'map(select(.lr)) | length == 16 and all(.[]; .sent == $want)' few$n.jsonl
	done
	whole 4 whole 60 --save-every 4 >/dev/null
	whole 4 cut 60 --save-every 4 >/dev/null 2>&1 3>&- &
	run=$!
	victims=$(ranks_of cut)
	kill -KILL "${victims##*$'\n'}"
	status=0
	wait $run || status=$?
	[ "$status" -ne 0 ]
	at=$(jq -s 'map(.step // 0) | max' cut/metrics.jsonl)
	[ "$at" -lt 60 ]
	for n in 1 2 3; do
		cp -r cut on$n
		whole $n on$n 60 --save-every 4 --resume >on$n.jsonl
		say "4 ranks, KILL: status $status, resumed on $n at step $(jq -s 'map(.step // empty)[0]' on$n.jsonl) of 60," \
			"last loss $(jq -s 'map(.loss // empty) | last' on$n.jsonl) beside" \
			"$(jq -s 'map(.loss // empty) | last' whole/metrics.jsonl)"
		jq -s 'map(select(.lr).loss)[:8][]' on$n.jsonl >on.losses
		from=$(jq -s 'map(.step // empty)[0]' on$n.jsonl)
		jq -s "map(select(.lr and .step >= $from).loss)[:8][]" whole/metrics.jsonl | paste - on.losses |
			awk '{d = $1 - $2; if (d < 0) d = -d; if (d > 1e-3 * $1 + 1e-4) bad = 1} END {exit bad || NR == 0}'
	done
	whole 4 cut 60 --save-every 4 --resume >on.jsonl
	say "4 ranks, KILL: status $status, resumed on 4 at step $(jq -s 'map(.step // empty)[0]' on.jsonl) of 60"
	cmp cut/model.safetensors whole/model.safetensors
}

# on_wire STEPS - bytes that the loopback carried while two ranks made so many steps over TCP, alone in a network.
on_wire() {
	whole 2 wire "$1" --save-every 1000 >"wire$1.jsonl"
	rm -rf wire
	awk '/^ *lo:/{sub(/.*:/, ""); print $1}' /proc/net/dev
}

@test "two ranks send over TCP what is said of a step" {
	need_mpi
	unshare -n true 2>/dev/null || skip "no network of its own can be had here"
	prepare_whole
	TRANSPORT=(--mca pml ob1 --mca btl "self,tcp" --mca btl_tcp_if_include lo)
	export -f whole on_wire
	export MPI
	unshare -n bash -c "ip link set lo up; TRANSPORT=(${TRANSPORT[*]}); on_wire 2; on_wire 12" >carried
	carried=$(awk 'NR == 1 {few = $1} NR == 2 {print int(($1 - few - few) / 10)}' carried)
	sent=$(jq -s 'map(select(.lr).sent) | last' wire12.jsonl)
	say "two ranks by their own count: $((2 * sent)) bytes a step; by the network's: $carried"
	# Headers and what the ranks agree upon come to it.
	awk -v got="$carried" -v said=$((2 * sent)) 'BEGIN {exit !(got >= said && got < 1.03 * said)}'
}

@test "Slurm: ranks in a job; TERM before the time is up and a killed rank put it back into the queue, and it goes on bit for bit" {
	need_slurm
	need_mpi
	prepare_training
	mkdir "$RUN"
	export SAVE_EVERY=20
	OPTIONS+=("PATH=$MPI:$PATH" TRAIN_OPTIONS='--steps 400 --batch 8 --lr 1e-3')
	ranks 2 whole 400 -v valid.jsonl >/dev/null
	for signal in TERM KILL; do
		timeout 300 make "${OPTIONS[@]}" train >make.out 2>&1 3>&- &
		make=$!
		ranks_of "$RUN/trained" >victims
		if [ $signal = TERM ]; then
			timeout 5 scancel --signal=TERM "$(squeue -h -o %A | tail -n 1)" # as --signal does when time is nearly up
		else
			kill -KILL "$(tail -n 1 victims)"
		fi
		hurry $make || { cat make.out "$RUN"/*.log; false; }
		say "after $signal:"
		jobs_of
		timeout 10 scontrol -o show job | grep "JobName=ft-train" | tail -n 1 >known
		grep -q 'JobState=COMPLETED.*Restarts=[1-9]' known
		cmp "$RUN/trained/adapter_model.safetensors" whole/adapter_model.safetensors
		rm -rf "$RUN/trained"
	done
}
