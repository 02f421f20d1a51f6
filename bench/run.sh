#!/usr/bin/env bash
# Everything that bench/README.md quotes, one after the other, in about
# twelve minutes on two cores. Arguments are the parts to run: paths engine load peers
# floor. Nothing else should run meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
parts=${*:-paths engine load peers floor}
count=${COUNT:-3}

part() { case " $parts " in *" $1 "*) printf '\n== %s\n' "$1" ;; *) return 1 ;; esac; }
bench() { go test -run '^$' -benchmem -count "$count" -benchtime "${TIME:-300ms}" -bench "$@" | grep '^Benchmark'; }

printf '%s  %s  %s CPU\n' "$(go version)" "$(uname -sr)" "$(nproc)"
go build -o "${TMPDIR:-/tmp}/qn-bench" ./tools/qn
qn=${TMPDIR:-/tmp}/qn-bench

if part paths; then
	bench . ./codec ./codec/seal ./sched ./ring ./engine/rumor ./engine/sketch ./engine/flow ./engine/member
	bench 'Apply(Run|C|M)|Extract|AppendGet|Readers' ./engine/state
	bench . ./engine/core
fi
if part engine; then
	bench 'WriteToAll|Set|AppendGet' ./bench
	TIME=10s COUNT=1 bench Soak ./bench
fi
if part load; then
	for flags in '' '--nodes 64 --rate 1k' '--nodes 64 --rate 5k' '--loss 20%' '--nodes 32 --rate 20k --reactors 2'; do
		# shellcheck disable=SC2086 # several flags
		"$qn" load -q --duration 5s $flags
	done
	"$qn" load -q --scenario pingpong --duration 5s
	"$qn" load -q --nodes 32 --find-max --duration 5s
fi
if part peers; then
	(cd bench/peers && go test -run '^$' -bench Broadcast -benchtime 60x && go test -run '^$' -bench Idle -benchtime 1x)
fi
if part floor; then
	bench/floor.sh
fi
