# Adds up the closing lines of bun test, deno test and our own scripts, and prints "passed failed skipped".

# bun test: " 12 pass", " 1 skip", " 1 todo", " 2 fail", then "Ran 16 tests across 3 files."
/^ [0-9]+ pass$/ { pass = $1 }
/^ [0-9]+ fail$/ { fail = $1 }
/^ [0-9]+ (skip|todo)$/ { skip += $1 }
/^ [0-9]+ errors?$/ { errors = $1 }
/^Ran [0-9]+ tests? across/ {
  passed += pass
  failed += fail > errors ? fail : errors
  skipped += skip
  pass = fail = skip = errors = 0
}

# deno test: "ok | 8 passed | 0 failed | 1 ignored (414ms)"
/^(ok|FAILED) \| [0-9]+ passed/ {
  for (i = 2; i <= NF; i++) {
    if ($i == "passed") passed += $(i - 1)
    if ($i == "failed") failed += $(i - 1)
    if ($i == "ignored") skipped += $(i - 1)
  }
}

/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
  passed += $1
  failed += $3
  skipped += $5
}

END { print passed + 0, failed + 0, skipped + 0 }
