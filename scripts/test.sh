#!/bin/sh
# Gets what the tests need and runs all of them, on a bare Debian with Node, npm and git: sh scripts/test.sh [part...]
#
# Each part has a budget in seconds; twice the budget ends it as failed. What cannot run here is named, and counted as
# left out. The last line is the sum: "N passed, N failed, N skipped". Logs, downloads and root file systems are kept in
# ${XDG_CACHE_HOME:-~/.cache}/remoteagent.
set -u

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
cd "$root" || exit 1
remoteagent_cache=
. scripts/bun.sh
. scripts/peers.sh
export CI=true NO_COLOR=1 DEBIAN_FRONTEND=noninteractive
unset FORCE_COLOR
exec </dev/null

# What the tests start besides the program itself: command:package.
tools="bwrap:bubblewrap tmux:tmux strace:strace debootstrap:debootstrap ps:procps dockerd:docker.io podman:podman /usr/lib/podman/netavark:netavark /usr/lib/podman/aardvark-dns:aardvark-dns busybox:busybox-static script:bsdutils faketime:faketime systemd-analyze:systemd"

# Tests that are not run with the others, by folder.
crash="tests/crash tests/simulation"
e2e="tests/e2e"
sandboxes="tests/sandbox"
adapters="tests/adapters"
browser="tests/browser"
agents="tests/agents"
peers="tests/peers"
apart="$adapters $crash $e2e $sandboxes $browser $agents $peers tests/bench tests/runtime"

logs=$remoteagent_cache/logs
mkdir -p "$logs" || exit 1
passed=0
failed=0
skipped=0
summary=$logs/summary
: >"$summary"
started=$(date +%s)
wanted=" $* "

# left_out NAME REASON: says what is not run, and counts it.
left_out() {
  skipped=$((skipped + 1))
  printf 'left out: %s: %s\n' "$1" "$2"
  printf '%-20s left out: %s\n' "$1" "$2" >>"$summary"
}

# part NAME BUDGET COMMAND...: runs one part, unless others were asked for.
part() {
  part_name=$1
  part_budget=$2
  shift 2
  case "$wanted" in "  " | *" $part_name "*) ;; *) return 0 ;; esac
  part_log=$logs/$part_name.log
  part_start=$(date +%s)
  printf '\n== %s (budget %s s)\n' "$part_name" "$part_budget"
  # The code of the command, not of tee.
  {
    timeout -k 15 $((part_budget * 2)) "$@" 2>&1
    echo $? >"$logs/code"
  } | tee "$part_log"
  part_code=$(cat "$logs/code")
  part_time=$(($(date +%s) - part_start))
  # shellcheck disable=SC2046
  set -- $(awk -f scripts/count.awk "$part_log")
  part_note=
  part_failed=$2
  case "$part_code" in
  0) if [ "$1" = 0 ] && [ "$2" = 0 ] && [ "$3" = 0 ]; then part_note="; nothing ran" part_failed=1; fi ;;
  124 | 137) part_note="; stopped at twice its budget" part_failed=$(($2 + 1)) ;;
  *) if [ "$2" = 0 ]; then part_note="; ended with code $part_code" part_failed=1; fi ;;
  esac
  if [ "$part_time" -gt "$part_budget" ]; then part_note="$part_note; over its budget of $part_budget s"; fi
  passed=$((passed + $1))
  failed=$((failed + part_failed))
  skipped=$((skipped + $3))
  printf '%-20s %4s s  %s passed, %s failed, %s skipped%s\n' "$part_name" "$part_time" "$1" "$part_failed" "$3" "$part_note" >>"$summary"
  grep '^(skip) ' "$part_log" | sort -u | sed 's/^(skip) /  skipped: /' >>"$summary"
}

# present FOLDER...: puts those of the folders that hold tests into present_found; fails when there are none.
present() {
  present_found=
  for folder in "$@"; do
    if [ -n "$(find "$folder" -name '*.test.ts' 2>/dev/null | head -n 1)" ]; then present_found="$present_found ./$folder"; fi
  done
  [ -n "$present_found" ]
}

finish() {
  printf '\n== summary (%s s)\n' "$(($(date +%s) - started))"
  cat "$summary"
  printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
  if [ "$failed" -gt 0 ]; then exit 1; fi
  exit 0
}

# The steps of the part "install"; each that fails ends it.
if [ "${1:-}" = --install ]; then
  set -e
  version=$(bun_version "$root")
  packages=
  for tool in $tools; do
    if ! PATH=$PATH:/usr/sbin:/sbin command -v "${tool%%:*}" >/dev/null; then packages="$packages ${tool#*:}"; fi
  done
  if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $packages
  elif [ -n "$packages" ]; then
    echo "missing, and only root can install them:$packages"
  fi
  # The browser is large and not everywhere: without it the tests that need one say so and are skipped.
  if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } || echo "no chromium can be had here"
  fi
  bun_find "$version" || bun_fetch "$version"
  "$BUN" install --frozen-lockfile
  if [ -f src/main.ts ]; then "$BUN" scripts/build.ts; fi
  # Without these their tests are left out, and say so.
  for peer in emulate; do peer_find "$peer" || peer_fetch "$peer" || continue; done
  echo "1 passed, 0 failed, 0 skipped"
  exit 0
fi

part install 360 sh scripts/test.sh --install
if ! bun_find "$(bun_version "$root")" || [ ! -d node_modules/typescript ]; then
  if [ "$failed" = 0 ]; then failed=1; fi
  echo "The tests cannot run: Bun or the packages are missing (the part install gets them)"
  finish
fi

# Programs that the tests start find this Bun and this Deno.
PATH=$(dirname "$BUN"):$root/node_modules/.bin:$PATH:/usr/sbin:/sbin
export PATH

part checks 120 "$BUN" scripts/check.ts --static

unit=
for folder in tests/*/; do
  case " $apart " in *" ${folder%/} "*) ;; *) unit="$unit ${folder%/}" ;; esac
done
# shellcheck disable=SC2086
if present $unit; then part unit 180 "$BUN" test --timeout=30000 --parallel=2 tests/*.test.ts $present_found; fi

# shellcheck disable=SC2086
if present $adapters; then part adapters 150 "$BUN" test --timeout=60000 --parallel=2 $present_found; fi

if present tests/runtime; then
  part runtime-bun 60 "$BUN" test --timeout=30000 ./tests/runtime
  part runtime-deno 60 deno test --allow-all --no-check --quiet tests/runtime
fi
# shellcheck disable=SC2086
if present $crash; then part crash 240 "$BUN" test --timeout=240000 $present_found; fi
# shellcheck disable=SC2086
if present $e2e; then part e2e 180 "$BUN" test --timeout=90000 $present_found; fi
# shellcheck disable=SC2086
if present $sandboxes; then part sandboxes 360 "$BUN" test --timeout=120000 $present_found; fi
# shellcheck disable=SC2086
if present $browser; then part browser 180 "$BUN" test --timeout=60000 $present_found; fi
# shellcheck disable=SC2086
if present $agents; then part agents 240 "$BUN" test --timeout=120000 $present_found; fi
# shellcheck disable=SC2086
if present $peers; then part peers 60 "$BUN" test --timeout=30000 $present_found; fi

case "$wanted" in
"  " | *" clean-root "*)
  if [ "$(id -u)" != 0 ]; then
    left_out clean-root "only root can make a root file system"
  elif ! command -v debootstrap >/dev/null; then
    left_out clean-root "debootstrap is missing"
  elif ! unshare --mount --pid --fork true 2>/dev/null; then
    left_out clean-root "this machine gives no namespaces"
  else
    part clean-root 120 sh scripts/clean-root.sh
  fi
  ;;
esac

finish
