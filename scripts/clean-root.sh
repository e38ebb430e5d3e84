#!/bin/sh
# Proves the set-up in a clean root file system: Debian's base, git, curl, Node and npm, and nothing else.
#
# As root and as a normal user it clones this checkout's last commit, runs "sh install.sh --chat" in a terminal and writes
# one command there, and asks the installed program once more through a pipe. Then each runs "sh scripts/test.sh" with its
# quick parts (--all: with all of them). Needs root, debootstrap and namespaces. The base is kept as a tar file in the
# cache. Where packages come from is read from this machine's apt and npm.
set -u

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
remoteagent_cache=
. "$root/scripts/bun.sh"

passed=0
failed=0

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "Cannot make a root file system: only root can"
command -v debootstrap >/dev/null || fail "Cannot make a root file system: debootstrap is missing"

# Inside: this script again, as the first process of its own namespaces, with the clean root as /.
if [ "${1:-}" = --enter ]; then
  set -e
  mount --make-rprivate /
  mount --bind "$2" "$2"
  cd "$2"
  mkdir -p .outside
  mount -t proc proc proc
  mount -t tmpfs -o mode=755 dev dev
  mkdir dev/pts dev/shm
  for device in null zero full random urandom tty; do
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
  done
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
  ln -s pts/ptmx dev/ptmx
  ln -s /proc/self/fd dev/fd
  pivot_root . .outside
  umount -l /.outside
  shift 2
  exec "$@"
fi

# inside USER COMMAND...: runs a command as that user in the clean root, with the network of this machine.
inside() {
  inside_user=$1
  shift
  inside_home=/home/$inside_user
  if [ "$inside_user" = root ]; then inside_home=/root; fi
  # shellcheck disable=SC2086
  unshare --mount --pid --fork --kill-child sh "$root/scripts/clean-root.sh" --enter "$tree" \
    /usr/bin/env -i HOME="$inside_home" USER="$inside_user" LANG=C.UTF-8 TERM=xterm \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin $network \
    /usr/bin/setpriv --reuid "$inside_user" --regid "$inside_user" --init-groups sh -c "cd && $*"
}

# check NAME COMMAND...: one counted proof.
check() {
  check_name=$1
  shift
  check_start=$(date +%s)
  if "$@" >"$work/log" 2>&1 </dev/null; then
    passed=$((passed + 1))
    printf 'ok     %s (%s s)\n' "$check_name" "$(($(date +%s) - check_start))"
    if [ -n "${show:-}" ]; then sed 's/^/    /' "$work/log"; fi
  else
    failed=$((failed + 1))
    printf 'FAILED %s\n' "$check_name"
    sed 's/^/    /' "$work/log"
  fi
}

# The apt lines of this machine for its own distribution, without other vendors' sources.
apt_lines() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(ORIGIN) deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    sed -n "s/^$1 //pI" | sort -u
}

# The machine's settings for reaching packages, put into a fresh tree. They are never part of the cached base.
give_network() {
  cp -L /etc/resolv.conf "$tree/etc/resolv.conf"
  cp -L /etc/hosts "$tree/etc/hosts"
  certificates=/etc/ssl/certs/ca-certificates.crt
  if [ -f "$certificates" ]; then cp -L "$certificates" "$tree$certificates"; fi
  network=
  if [ -n "${NODE_EXTRA_CA_CERTS:-}" ] && [ -f "$NODE_EXTRA_CA_CERTS" ]; then
    cp -L "$NODE_EXTRA_CA_CERTS" "$tree/etc/ssl/certs/extra.crt"
    network=NODE_EXTRA_CA_CERTS=/etc/ssl/certs/extra.crt
  fi
  for name in HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy npm_config_registry NPM_CONFIG_REGISTRY; do
    eval "value=\${$name:-}"
    # shellcheck disable=SC2154
    if [ -n "$value" ]; then network="$network $name=$value"; fi
  done
  for file in /etc/npmrc "$(npm config get globalconfig 2>/dev/null)"; do
    if [ -f "$file" ]; then cp -L "$file" "$tree/etc/npmrc"; fi
  done
  userconfig=$(npm config get userconfig 2>/dev/null)
  for user in root person; do
    home=$(inside_home_of "$user")
    if [ -f "$userconfig" ]; then cp -L "$userconfig" "$tree$home/.npmrc"; fi
    chroot "$tree" chown -R "$user:$user" "$home"
  done
}

inside_home_of() { if [ "$1" = root ]; then echo /root; else echo "/home/$1"; fi; }

# Makes the base once: minimal Debian, then git, curl, Node and npm from its own packages.
make_base() {
  tree=$work/base
  . /etc/os-release
  apt_lines "$ID" >"$work/sources"
  mirror=$(awk -v suite="$VERSION_CODENAME" '$3 == suite { print $2; exit }' "$work/sources")
  [ -n "$mirror" ] || fail "Cannot make a root file system: apt names no mirror of $ID $VERSION_CODENAME (apt-get update)"
  debootstrap --variant=minbase --include=ca-certificates,git,curl "$VERSION_CODENAME" "$tree" "$mirror" || return 1
  cp "$work/sources" "$tree/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(Check-|Retries|ForceIPv|https?::Proxy)' >"$tree/etc/apt/apt.conf.d/99machine"
  cp -L /etc/resolv.conf "$tree/etc/resolv.conf"
  network=DEBIAN_FRONTEND=noninteractive
  inside root "apt-get update && apt-get install -y --no-install-recommends nodejs npm && apt-get clean" || return 1
  chroot "$tree" useradd --create-home --shell /bin/sh person || return 1
  rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/debconf/*-old "$tree/etc/resolv.conf"
  tar --one-file-system -C "$tree" -cf "$base.$$" . && mv -f "$base.$$" "$base"
  rm -rf "$tree"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/remoteagent-clean-XXXXXX") || exit 1
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT TERM HUP

# The recipe is in the name: a changed recipe makes a new base.
recipe=$(sed -n '/^make_base()/,/^}/p' "$0" | cksum | cut -d ' ' -f 1)
base=$remoteagent_cache/roots/clean-$(. /etc/os-release && echo "$ID-$VERSION_CODENAME")-$(uname -m)-$recipe.tar
if [ ! -f "$base" ]; then
  mkdir -p "$(dirname "$base")"
  echo "making the base (once)"
  make_base >"$work/log" 2>&1 || {
    tail -n 30 "$work/log"
    fail "Cannot make the root file system"
  }
fi

tree=$work/root
mkdir "$tree"
tar -C "$tree" -xf "$base" || fail "Cannot unpack the root file system: remove \"$base\" and run it again"
give_network

for user in root person; do
  home=$(inside_home_of "$user")
  git clone -q --no-hardlinks "$root" "$tree$home/checkout" || fail "Cannot clone the checkout"
  chroot "$tree" chown -R "$user:$user" "$home/checkout"
  check "$user: no Bun is there before" inside "$user" '! command -v bun'
  check "$user: --dry-run changes nothing" inside "$user" 'sh checkout/install.sh --dry-run && ! test -e .local -o -e .cache'
  show=yes check "$user: sh install.sh --chat, in a terminal" inside "$user" 'sh checkout/scripts/terminal-chat.sh'
  check "$user: --version" inside "$user" '.local/bin/remoteagent --version'
  # shellcheck disable=SC2016
  check "$user: a piped chat runs a command" inside "$user" \
    'answer=$(echo "run echo hel""lo" | .local/bin/remoteagent chat); echo "$answer"; echo "$answer" | grep -q hello'
  check "$user: --uninstall" inside "$user" 'sh checkout/install.sh --uninstall && ! test -e .local/bin/remoteagent'
done

parts="install runtime-bun runtime-deno"
if [ "${1:-}" = --all ]; then parts="install checks unit adapters runtime-bun runtime-deno crash e2e sandboxes browser agents peers"; fi
for user in root person; do
  show=$([ "$parts" = "install runtime-bun runtime-deno" ] || echo yes)
  check "$user: sh scripts/test.sh $parts" inside "$user" "sh checkout/scripts/test.sh $parts"
done

printf '%s passed, %s failed, 0 skipped\n' "$passed" "$failed"
[ "$failed" = 0 ]
