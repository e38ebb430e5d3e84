// The shell programs that live inside a container: one that runs commands, one that looks at processes and kills them.
// What belongs to a turn reaches them on their input, as data; it is never part of a program or of a command line.

/**
 * Reads a nonce, says `<nonce> R <own number> <where setsid is>`, then runs one command after the other, each in a session
 * of its own. For each it reads a line `<mark> <arguments> <variables> <input: 1 or 0>`, then a value for the folder, for
 * each argument and each variable, one a line (`=text`, or `%text` with escapes for printf), and says
 *
 * - `<nonce> O <process number>`: the command is about to be what the number says; or `<nonce> F <reason>`;
 * - `<nonce> E <code> <left>` when it has ended, on stderr `<nonce>` alone. `left` is 0 when the children of process 1
 *   are what they were before: an orphan of the command would be one of them.
 *
 * The mark becomes the limit on file locks. The kernel has ignored that limit since 2.4 and hands it on to all children,
 * whatever they do to their environment, session or parents.
 */
export const runnerScript = `
ra_take() {
  IFS= read -r ra_v || exit 1
  case $ra_v in
    %*) ra_v=$(printf '%b.' "\${ra_v#%}"); ra_v=\${ra_v%.} ;;
    *) ra_v=\${ra_v#?} ;;
  esac
}
ra_fail() { printf '%s F %s\\n' "$ra_nonce" "$1"; exit 1; }
ra_look() {
  ra_kids=
  if [ -r /proc/1/task/1/children ]; then IFS= read -r ra_kids </proc/1/task/1/children || :; else ra_kids=$1; fi
}
ra_program() {
  case $1 in
    */*) [ -f "$1" ] && [ -x "$1" ] && return 0; [ -e "$1" ] && ra_fail noexec; ra_fail missing ;;
  esac
  ra_rest=$PATH: ra_seen=missing
  while [ -n "$ra_rest" ]; do
    ra_dir=\${ra_rest%%:*} ra_rest=\${ra_rest#*:}
    [ -f "\${ra_dir:-.}/$1" ] && [ -x "\${ra_dir:-.}/$1" ] && return 0
    [ -f "\${ra_dir:-.}/$1" ] && ra_seen=noexec
  done
  ra_fail $ra_seen
}
ra_command() {
  ra_take
  ra_cwd=$ra_v
  set --
  while [ "$ra_args" -gt 0 ]; do ra_take; set -- "$@" "$ra_v"; ra_args=$((ra_args - 1)); done
  while [ "$ra_envs" -gt 0 ]; do ra_take; export "$ra_v" || ra_fail variable; ra_envs=$((ra_envs - 1)); done
  if ! cd -- "$ra_cwd" 2>/dev/null; then
    [ -d "$ra_cwd" ] && ra_fail closed
    [ -e "$ra_cwd" ] && ra_fail nofolder
    ra_fail nowhere
  fi
  ra_program "$1"
  umask 022
  ulimit -w "$ra_mark" 2>/dev/null || ulimit -x "$ra_mark" 2>/dev/null || :
  IFS=' ' read -r ra_pid ra_rest </proc/self/stat
  printf '%s O %s\\n' "$ra_nonce" "$ra_pid"
  [ "$ra_input" = 1 ] || exec </dev/null
  if [ -n "$ra_setsid" ]; then exec "$ra_setsid" -- "$@"; fi
  exec "$@"
}
IFS= read -r ra_nonce || exit 0
ra_setsid=$(command -v setsid)
printf '%s R %s %s\\n' "$ra_nonce" "$$" "$ra_setsid"
while IFS=' ' read -r ra_mark ra_args ra_envs ra_input; do
  ra_look unknown
  ra_before=$ra_kids
  ( ra_command )
  ra_code=$?
  ra_look strange
  if [ "$ra_before" = "$ra_kids" ]; then ra_left=0; else ra_left=1; fi
  printf '%s E %s %s\\n' "$ra_nonce" "$ra_code" "$ra_left"
  printf '%s\\n' "$ra_nonce" >&2
  if [ "$ra_input" = 1 ] || [ -z "$ra_setsid" ]; then exit 0; fi
done
`;

/**
 * Reads a nonce and the text by which our commands' environments are known, says `<nonce> R <own number> <capabilities>`,
 * then answers requests, each answer closed by a line `<nonce> E`:
 *
 * - `L`: of every process the files stat, statm, limits and cmdline, as head prints several files; after a line
 *   `<nonce> M`, the names of the environments that hold the text;
 * - `V <number>`: the variables of a process that hold the text;
 * - `S <number> <start> <signal>`: sends a signal to the process if it is still the same one; says 1 or 0.
 */
export const wardenScript = `
IFS= read -r ra_nonce || exit 0
IFS= read -r ra_text || exit 0
ra_caps=0
while read -r ra_name ra_value; do [ "$ra_name" = CapEff: ] && ra_caps=$ra_value; done </proc/self/status
printf '%s R %s %s\\n' "$ra_nonce" "$$" "$ra_caps"
ra_signal() {
  [ -r "/proc/$1/stat" ] || { echo 0; return; }
  ra_pid=$1 ra_start=$2 ra_name=$3 ra_line=
  while IFS= read -r ra_value || [ -n "$ra_value" ]; do ra_line=$ra_value; done <"/proc/$1/stat"
  set -f
  set -- \${ra_line##*) }
  set +f
  if [ "\${20}" = "$ra_start" ] && kill -s "$ra_name" "$ra_pid"; then echo 1; else echo 0; fi
}
while read -r ra_op ra_a ra_b ra_c; do
  case $ra_op in
    L)
      head -c 4096 /proc/[0-9]*/stat /proc/[0-9]*/statm /proc/[0-9]*/limits /proc/[0-9]*/cmdline
      printf '\\n%s M\\n' "$ra_nonce"
      grep -lsF "$ra_text" /proc/[0-9]*/environ
      ;;
    V) tr '\\000' '\\n' <"/proc/$ra_a/environ" | grep -F "$ra_text" ;;
    S) ra_signal "$ra_a" "$ra_b" "$ra_c" ;;
  esac 2>/dev/null
  printf '\\n%s E\\n' "$ra_nonce"
done
`;

/** The first process of a container of ours: waits, and collects the dead. */
export const initScript = `
trap 'exit 0' TERM INT
while :; do
  sleep 2147483647 &
  wait $!
done
`;
