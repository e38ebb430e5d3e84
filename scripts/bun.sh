# Gets the Bun that package.json names, without touching the system; sourced by install.sh and the scripts here.
#
# bun_version ROOT          prints the version that the checkout at ROOT wants
# bun_find VERSION          sets BUN when that very version is on PATH or in the cache; fails otherwise
# bun_fetch VERSION         gets it with npm into the cache and sets BUN
#
# The platform's own package is asked for by name: the package "bun" itself needs an install script, which npm may be
# told not to run, and some versions of npm end silently in the middle of its many optional packages.

# Without a home there is no place of our own that lasts: a shared folder would run what others put there.
if [ -n "${XDG_CACHE_HOME:-${HOME:-}}" ]; then
  remoteagent_cache=${XDG_CACHE_HOME:-$HOME/.cache}/remoteagent
else
  remoteagent_cache=$(mktemp -d) || exit 1
fi
if [ -d "$remoteagent_cache" ] && [ ! -O "$remoteagent_cache" ]; then
  echo "Cannot use the cache $remoteagent_cache: it belongs to another user" >&2
  exit 1
fi

# These would change what any Bun does.
unset BUN_OPTIONS BUN_BE_BUN

bun_version() {
  sed -n 's/.*"packageManager": *"bun@\([0-9][0-9.]*\)".*/\1/p' "$1/package.json"
}

bun_find() {
  for BUN in "$(command -v bun || true)" "$remoteagent_cache/bun-$1/bun"; do
    if [ -x "$BUN" ] && [ "$("$BUN" --version 2>/dev/null)" = "$1" ]; then return 0; fi
  done
  BUN=
  return 1
}

# The npm package of this machine's Bun; fails for a machine that there is none for.
bun_package() {
  case "$(uname -s)" in
  Linux) bun_system=linux ;;
  Darwin) bun_system=darwin ;;
  *) return 1 ;;
  esac
  bun_kind=
  case "$(uname -m)" in
  x86_64 | amd64)
    bun_machine=x64
    if [ "$bun_system" = linux ] && ! grep -qw avx2 /proc/cpuinfo; then bun_kind=-baseline; fi
    ;;
  aarch64 | arm64) bun_machine=aarch64 ;;
  *) return 1 ;;
  esac
  bun_libc=
  if [ "$bun_system" = linux ] && ls /lib/ld-musl-* >/dev/null 2>&1 && ! ls /lib*/ld-linux-* >/dev/null 2>&1; then
    bun_libc=-musl
  fi
  echo "@oven/bun-$bun_system-$bun_machine$bun_libc$bun_kind"
}

bun_fetch() {
  bun_name=$(bun_package) || return 1
  mkdir -p "$remoteagent_cache" || return 1
  bun_part=$(mktemp -d "$remoteagent_cache/.bun-XXXXXX") || return 1
  # A short patience: npm's own waits over a minute before it says that there is no network.
  npm install --prefix "$bun_part" --no-save --no-audit --no-fund --ignore-scripts --omit=dev \
    --fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=4000 \
    "$bun_name@$1" </dev/null || true
  bun_made=$bun_part/node_modules/$bun_name/bin/bun
  # What counts is the program itself, not npm's exit code.
  if [ "$("$bun_made" --version 2>/dev/null)" = "$1" ]; then
    mkdir -p "$remoteagent_cache/bun-$1" && mv -f "$bun_made" "$remoteagent_cache/bun-$1/bun"
  fi
  rm -rf "$bun_part"
  bun_find "$1"
}
