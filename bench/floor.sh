#!/usr/bin/env bash
# How far a Go transport is from what C can do here: BenchmarkSelf of a package
# against bench/floor, in turns, so that both meet the same noise. What counts is
# the ratio of the two minima, in CPU nanoseconds a datagram (one send and one
# receive): this is the quiet floor of each, and medians of a shared machine mix
# quiet and busy moments.
#
#	bench/floor.sh                       batch/linux, 5 rounds of 0.4 s, 64 to 1400 bytes
#	PACKAGE=./batch/portable bench/floor.sh
#	ROUNDS=9 LENGTH=1 SIZES="64 1400" PIN=1 GSO=1 bench/floor.sh
#
# PIN is a processor for both sides. GSO=1 compares BenchmarkSelfGSO with -g.
set -euo pipefail
cd "$(dirname "$0")/.."

package=${PACKAGE:-./batch/linux}
rounds=${ROUNDS:-5}
length=${LENGTH:-0.4}
sizes=${SIZES:-64 512 1400}
bench=BenchmarkSelf flags=()
[ -z "${GSO:-}" ] || { bench=BenchmarkSelfGSO flags=(-g); }
pin=()
[ -z "${PIN:-}" ] || pin=(taskset -c "$PIN")

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${CC:-gcc}" -O3 -Wall -Wextra -o "$dir/floor" bench/floor/floor.c
go test -c -o "$dir/self.test" "$package"
[ -x "$dir/self.test" ] || { echo "floor.sh: $package has no tests" >&2; exit 1; }

# c_ns and go_ns print one sample: CPU nanoseconds a datagram.
c_ns() { "${pin[@]}" "$dir/floor" -s "$1" -t "$length" "${flags[@]}" | sed -n 's/.* cpu-ns=\([0-9.]*\).*/\1/p'; }
go_ns() {
	(cd "$package" && "${pin[@]}" "$dir/self.test" -test.run '^$' -test.bench "^$bench\$/^$1\$" -test.benchtime "${length}s") |
		awk '{ for (i = 2; i <= NF; i++) if ($i == "cpu-ns/op") { print $(i-1); exit } }'
}

for size in $sizes; do
	: >"$dir/c.$size" && : >"$dir/go.$size"
	for _ in $(seq "$rounds"); do
		c_ns "$size" >>"$dir/c.$size"
		go_ns "$size" >>"$dir/go.$size"
	done
done

printf '%s of %s, %s rounds of %s s; CPU ns a datagram\n' "$bench" "$package" "$rounds" "$length"
printf '%6s %10s %10s %10s %10s %8s\n' bytes 'C min' 'C median' 'Go min' 'Go median' 'min/min'
# middle reads numbers and prints the smallest and the one in the middle.
middle() { sort -n "$1" | awk '{ v[NR] = $1 } END { if (NR) print v[1], v[int((NR + 1) / 2)] }'; }
for size in $sizes; do
	read -r cmin cmid < <(middle "$dir/c.$size")
	read -r gmin gmid < <(middle "$dir/go.$size") || { echo "floor.sh: $package has no $bench/$size that reports cpu-ns/op" >&2; exit 1; }
	awk -v s="$size" -v a="$cmin" -v b="$cmid" -v c="$gmin" -v d="$gmid" \
		'BEGIN { printf "%6d %10.0f %10.0f %10.0f %10.0f %8.2f\n", s, a, b, c, d, c / a }'
done
