#!/bin/sh
# Builds this checkout and installs the program. Options: sh install.sh --help
set -eu

usage() {
  cat <<'END'
Usage: sh install.sh [options]

Builds remoteagent from this checkout and installs it to ~/.local/bin/remoteagent.
Needs Node with npm (to get Bun, the compiler), and 1 GB of free disk space while it builds.

  --chat         open the chat in this terminal afterwards
  --prefix DIR   install to DIR/bin instead (also: PREFIX=DIR)
  --dry-run      say what would be done, and change nothing
  --uninstall    remove the program; settings and conversations stay
  --help         show this text
END
}

say() { printf '%s\n' "$*"; }

# fail SENTENCE [MEND]: the one way out when something is wrong.
fail() {
  printf '%s\n' "$1" >&2
  if [ -n "${2:-}" ]; then printf '%s\n' "$2" >&2; fi
  exit "${3:-1}"
}

have() { command -v "$1" >/dev/null 2>&1; }

now() { date +%s; }

# step LABEL FUNCTION...: runs one step with its output in the log, and shows how long it took.
step() {
  step_label=$1
  shift
  if [ "$dry" = yes ]; then
    say "  would: $step_label"
    return 0
  fi
  printf '  %s ... ' "$step_label"
  step_start=$(now)
  if "$@" >"$log" 2>&1 </dev/null; then
    say "$(($(now) - step_start)) s"
  else
    say failed
    return 1
  fi
}

# Shows the end of the log, then one sentence that tells what happened as far as the log shows it.
explain() {
  tail -n 15 "$log" | sed 's/^/    /' >&2
  if grep -qE 'ENOSPC|No space left' "$log"; then
    fail "$1: the disk is full" "Make room (1 GB is enough) and run it again"
  elif grep -qE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ConnectionRefused|FailedToOpenSocket|Unable to connect|DNS' "$log"; then
    fail "$1: the package registry cannot be reached" "Check the network, or set HTTPS_PROXY, and run it again"
  elif grep -qE 'CERT|certificate' "$log"; then
    fail "$1: the package registry's certificate is not trusted" "Set NODE_EXTRA_CA_CERTS to your network's certificate file and run it again"
  elif grep -qE 'EACCES|EPERM|EROFS|Permission denied|Read-only file system|AccessDenied' "$log"; then
    fail "$1: a folder cannot be written" "Check who owns \"$root\" and \"$remoteagent_cache\""
  fi
  fail "$1" "${2:-}"
}

# room FOLDER MEGABYTES: refuses early when the disk that FOLDER is (or will be) on is too full.
room() {
  room_folder=$1
  while [ ! -d "$room_folder" ]; do room_folder=$(dirname "$room_folder"); done
  room_free=$(df -Pk "$room_folder" 2>/dev/null | awk 'NR == 2 { print int($4 / 1024) }')
  if [ -n "$room_free" ] && [ "$room_free" -lt "$2" ]; then
    fail "Cannot install: \"$room_folder\" has $room_free MB left, $2 MB are needed" "Make room and run it again"
  fi
}

check_machine() {
  bun_package >/dev/null || fail "Cannot install: remoteagent does not run on $(uname -s) $(uname -m)" \
    "It runs on Linux and macOS, x64 and arm64"
  [ -w "$root" ] || fail "Cannot install: \"$root\" cannot be written by $(id -un)" "Build it as the owner of the checkout, or from a copy of your own"
  room "$root" 700
  room "$bin" 300
  room "$remoteagent_cache" 300
}

get_bun() {
  if bun_find "$version"; then
    say "  Bun $version: $BUN"
    return 0
  fi
  have npm || fail "Cannot get Bun $version: npm is missing" "Install Node with npm, for example: apt-get install nodejs npm"
  step "get Bun $version into $remoteagent_cache" bun_fetch "$version" || explain "Cannot get Bun $version"
  # The step ran in this shell, so BUN is set; a dry run names what would be used.
  BUN=${BUN:-$remoteagent_cache/bun-$version/bun}
}

# The command that installs bubblewrap here, without sudo; nothing when the package manager is unknown.
bubblewrap_command() {
  if have apt-get; then
    echo "apt-get install -y --no-install-recommends bubblewrap"
  elif have dnf; then
    echo "dnf install -y bubblewrap"
  elif have pacman; then
    echo "pacman -S --needed --noconfirm bubblewrap"
  elif have apk; then
    echo "apk add bubblewrap"
  elif have zypper; then
    echo "zypper --non-interactive install bubblewrap"
  fi
}

install_bubblewrap() {
  # Both are our own words, to be split.
  # shellcheck disable=SC2086
  $1 $2 || { have apt-get && $1 apt-get update && $1 $2; }
}

# bubblewrap keeps the agent's commands away from what they need not see. Without it the program still works, and asks.
get_bubblewrap() {
  if [ "$(uname -s)" != Linux ]; then return 0; fi
  if ! have bwrap; then
    command=$(bubblewrap_command)
    if [ -z "$command" ]; then
      say "  bubblewrap is missing: install it with your package manager, so that commands run isolated"
    elif [ "$(id -u)" = 0 ]; then
      step "$command" install_bubblewrap "" "$command" || say "  bubblewrap is missing, and could not be installed: $command"
    elif have sudo && sudo -n true 2>/dev/null; then
      step "sudo $command" install_bubblewrap "sudo -n" "$command" || say "  bubblewrap is missing, and could not be installed: sudo $command"
    else
      say "  bubblewrap is missing; so that commands run isolated: sudo $command"
    fi
  fi
  if have bwrap && ! bwrap --ro-bind / / --unshare-pid true >/dev/null 2>&1; then
    say "  bubblewrap is there but may not isolate on this machine: remoteagent doctor shows why"
  fi
}

get_packages() { (cd "$root" && "$BUN" install --frozen-lockfile --production); }

build() { (cd "$root" && "$BUN" scripts/build.ts); }

# Copies beside the goal, tries the copy, and only then renames: the old program works until the new one does.
put_program() {
  # "set -e" does not reach into a tested function, so each line answers for itself.
  mkdir -p "$bin" || return 1
  fresh=$(mktemp "$bin/.remoteagent-XXXXXX") || return 1
  cp "$root/dist/remoteagent" "$fresh" && chmod 755 "$fresh" && "$fresh" --version || return 1
  if [ -f "$program" ] && ! cmp -s "$program" "$fresh"; then
    ln -f "$program" "$program.previous" 2>/dev/null || cp -p "$program" "$program.previous" || return 1
  fi
  mv -f "$fresh" "$program" || return 1
  fresh=
}

running() { [ -x "$program" ] && "$program" status >/dev/null 2>&1 </dev/null; }

install() {
  say "Installing remoteagent from $root"
  check_machine
  get_bun
  get_bubblewrap
  step "get the packages" get_packages || explain "Cannot get the packages"
  step "build the program" build || explain "Cannot build the program"
  step "install to $program" put_program || explain "Cannot install to \"$program\"" "The program that was there before is untouched"
  if [ "$dry" = yes ]; then
    say "Nothing was changed."
    return 0
  fi
  say "Done in $(($(now) - started)) s: $("$program" --version </dev/null)"
  if running; then say "The running instance is still the old program: remoteagent restart"; fi
  case ":$PATH:" in
  *":$bin:"*) shown=remoteagent ;;
  *)
    shown=$program
    case "$shown" in *[!A-Za-z0-9_./-]*) shown="\"$shown\"" ;; esac
    shell=${SHELL:-}
    case "${shell##*/}" in zsh) rc='~/.zshrc' ;; bash) rc='~/.bashrc' ;; *) rc='~/.profile' ;; esac
    # The line is pasted: it stands alone.
    say "$bin is not in your PATH. To change that, run this line and open a new terminal:"
    say "  echo 'export PATH=\"$bin:\$PATH\"' >> $rc"
    ;;
  esac
}

# Opens the chat in the terminal, also when this script itself came in over standard input.
open_chat() {
  if [ "$dry" = yes ]; then
    say "  would: open the chat"
  elif [ -t 1 ] && [ -t 0 ]; then
    rm -rf "$work"
    exec "$program" chat
  elif [ -t 1 ] && (: </dev/tty) 2>/dev/null; then
    rm -rf "$work"
    exec "$program" chat </dev/tty
  else
    say "There is no terminal here for the chat. In one: $shown chat"
  fi
}

uninstall() {
  if [ "$dry" = yes ]; then
    say "  would: stop the running instance, remove $program, $program.previous and $remoteagent_cache/bun-$version"
    return 0
  fi
  if running; then
    say "Stopping the running instance"
    "$program" stop </dev/null || fail "Cannot uninstall: the running instance does not stop" "remoteagent status shows what it does"
  fi
  if [ -e "$program" ]; then
    rm -f "$program" || fail "Cannot remove \"$program\"" "Check who owns \"$bin\""
    say "Removed $program"
  else
    say "There is no $program"
  fi
  rm -f "$program.previous"
  rm -rf "$remoteagent_cache/bun-$version"
  state=${REMOTEAGENT_STATE_DIR:-${HOME:-}/.remoteagent}
  if [ -d "$state" ]; then
    say "Your settings and conversations are still in $state. To remove them too: rm -rf \"$state\""
  fi
}

dry=no
chat=no
action=install
prefix=${PREFIX:-}
while [ $# -gt 0 ]; do
  case "$1" in
  --chat) chat=yes ;;
  --dry-run) dry=yes ;;
  --uninstall) action=uninstall ;;
  --prefix)
    [ $# -gt 1 ] || fail "Cannot install: --prefix needs a folder" "" 2
    prefix=$2
    shift
    ;;
  --prefix=*) prefix=${1#--prefix=} ;;
  --help | -h)
    usage
    exit 0
    ;;
  *) fail "Unknown option \"$1\"" "sh install.sh --help shows the options" 2 ;;
  esac
  shift
done

root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
[ -f "$root/scripts/bun.sh" ] ||
  fail "Cannot install: \"$root\" is not a checkout of remoteagent" "Clone the repository and run: sh install.sh"
if [ -z "$prefix" ]; then
  [ -n "${HOME:-}" ] || fail "Cannot install: HOME is not set" "Name a folder: sh install.sh --prefix DIR"
  prefix=$HOME/.local
fi
case "$prefix" in
/*) ;;
*) prefix=$PWD/$prefix ;;
esac
bin=$prefix/bin
program=$bin/remoteagent

remoteagent_cache=
. "$root/scripts/bun.sh"
version=$(bun_version "$root")
[ -n "$version" ] || fail "Cannot install: package.json names no version of Bun"

started=$(now)
fresh=
work=$(mktemp -d "${TMPDIR:-/tmp}/remoteagent-install-XXXXXX") || fail "Cannot install: no temporary folder can be made"
log=$work/log
: >"$log"
trap 'rm -rf "$work"; if [ -n "$fresh" ]; then rm -f "$fresh"; fi' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

"$action"
if [ "$chat" = yes ] && [ "$action" = install ]; then open_chat; fi
