#!/bin/sh
# Does what a person does first: "sh install.sh --chat" in a terminal, one command typed, one answer read, Ctrl-D.
set -eu

cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkfifo "$work/keys"

# appears SECONDS WORD: waits until the terminal has shown the word.
appears() {
  left=$(($1 * 10))
  until grep -q "$2" "$work/screen"; do
    left=$((left - 1))
    if [ "$left" = 0 ]; then
      cat "$work/screen"
      echo "The terminal did not show \"$2\" in $1 s" >&2
      exit 1
    fi
    sleep 0.1
  done
}

: >"$work/screen"
script -qefc "stty cols 100 rows 30; sh install.sh --chat" /dev/null <"$work/keys" >"$work/screen" 2>&1 &
screen=$!
exec 3>"$work/keys"
appears 300 "demo model"
# The quotes are gone only where the shell has run it.
printf 'run echo hel""lo\r' >&3
appears 30 "hello"
printf '\004' >&3
wait "$screen"
exec 3>&-
sed '/^Done in/q' "$work/screen"
