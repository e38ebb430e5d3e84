# Gets software by others that tests run against, as its lock file in tests/peers names it, outside of the checkout;
# sourced by test.sh after bun.sh.
#
# peer_find NAME     succeeds when what tests/peers/NAME/package-lock.json names is in the cache
# peer_fetch NAME    gets it with npm into the cache; says why where it cannot be had, and fails

peers_cache=$remoteagent_cache/peers

peer_find() {
  cmp -s "tests/peers/$1/package-lock.json" "$peers_cache/$1/package-lock.json"
}

peer_fetch() {
  if ! command -v npm >/dev/null; then
    echo "left out: $1: npm is missing"
    return 1
  fi
  mkdir -p "$peers_cache" || return 1
  peer_part=$(mktemp -d "$peers_cache/.$1-XXXXXX") || return 1
  cp "tests/peers/$1/package.json" "tests/peers/$1/package-lock.json" "$peer_part"
  # A short patience: the tests do without it where there is no network.
  if (cd "$peer_part" && timeout -k 5 120 npm ci --no-audit --no-fund --ignore-scripts \
    --fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=4000 </dev/null); then
    # It is there as a whole or not at all.
    rm -rf "${peers_cache:?}/$1" && mv "$peer_part" "$peers_cache/$1"
  else
    echo "left out: $1: npm could not get it"
  fi
  rm -rf "$peer_part"
  peer_find "$1"
}
