#!/usr/bin/env bash
# redis-benchmark against one of three agents that replicate every SET, and against
# redis-server without persistence, in turns, so that both meet the same noise.
# Prints medians and the ratios of throughput (higher is better for the agent) and
# of p99 (lower is better). Needs redis-server and redis-benchmark.
#
#	bench/redis.sh                        5 rounds of -P 1 and 16, -c 50 and 500
#	ROUNDS=3 PIPELINES=16 CLIENTS=500 N=200000 bench/redis.sh
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${ROUNDS:-5}
pipelines=${PIPELINES:-1 16}
clients=${CLIENTS:-50 500}
n=${N:-200000} keys=100000 bytes=64
longest=300 # seconds: redis-benchmark spins for ever where a server is gone

dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"' EXIT
go build -o "$dir/qn" ./tools/qn
for i in 1 2 3; do
	"$dir/qn" agent --name bench-$i --bind 127.0.0.1:1774$i --resp 127.0.0.1:1776$i --http "" --dns "" --socket "$dir/sock$i" \
		--join 127.0.0.1:17741 --leave-timeout 200ms --log-level warn 2>"$dir/log$i" &
	pids+=($!)
done
redis-server --port 17769 --save '' --appendonly no --dir "$dir" >"$dir/redis" &
pids+=($!)
ready() { # until all answer
	local end=$((SECONDS + 30))
	until redis-cli -p 17769 ping >/dev/null 2>&1 && "$dir/qn" members --agent "unix:$dir/sock1" -o ndjson 2>/dev/null | grep -c '"alive"' | grep -q 3; do
		[ $SECONDS -lt $end ] || { cat "$dir"/log* "$dir/redis" >&2; exit 1; }
	done
}
ready

# sample prints the requests a second and the p99 in ms of SET and GET: port, pipeline, clients.
sample() {
	timeout "$longest" redis-benchmark -p "$1" -t set,get -n "$n" -r "$keys" -d "$bytes" -P "$2" -c "$3" --csv 2>/dev/null |
		awk -F'","' '/^"(SET|GET)"/ { gsub(/"/, ""); split($0, f, ","); print f[1], f[2], f[7] }'
}

for p in $pipelines; do
	for c in $clients; do
		for _ in $(seq "$rounds"); do
			sample 17761 "$p" "$c" >>"$dir/agent.$p.$c"
			sample 17769 "$p" "$c" >>"$dir/redis.$p.$c"
		done
	done
done

middle() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }
column() { awk -v t="$2" -v f="$3" '$1 == t { print $f }' "$1" | middle; }
printf '%s rounds, -n %s -r %s -d %s; medians of requests a second and of p99 in ms\n' "$rounds" "$n" "$keys" "$bytes"
printf '%3s %4s %4s %10s %10s %7s %10s %10s %7s\n' P c '' agent/s redis/s ratio 'agent p99' 'redis p99' ratio
for p in $pipelines; do
	for c in $clients; do
		for t in SET GET; do
			awk -v p="$p" -v c="$c" -v t="$t" -v a="$(column "$dir/agent.$p.$c" $t 2)" -v r="$(column "$dir/redis.$p.$c" $t 2)" \
				-v x="$(column "$dir/agent.$p.$c" $t 3)" -v y="$(column "$dir/redis.$p.$c" $t 3)" \
				'BEGIN { printf "%3d %4d %4s %10.0f %10.0f %7.2f %10.2f %10.2f %7.2f\n", p, c, t, a, r, r ? a / r : 0, x, y, y ? x / y : 0 }'
		done
	done
done
"$dir/qn" digest --agent "unix:$dir/sock1" || { echo 'redis.sh: the agents are not equal' >&2; exit 1; }
