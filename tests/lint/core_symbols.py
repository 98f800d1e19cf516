#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Keeps the core free of I/O, clocks and randomness: which outside symbols its objects refer to.

  core_symbols.py NM LIBBUBCORE.A
"""

import re
import subprocess
import sys

import tree

# Whatever memory is touched with, and a constant of <netinet/in.h>; bcmp is what clang makes of a
# memcmp() compared to zero, and the others are what _FORTIFY_SOURCE does.
MEMORY = re.compile(
    r"mem(cpy|move|set|cmp|chr|mem)$|__mem(cpy|move|set)_chk$|bcmp$|in6addr_any$"
)

# libcrypto without its random source (RAND_*) and without BIO_*: the core gets random octets
# from its caller and does no I/O.
CRYPTO = re.compile(r"(EVP_|OSSL_|OPENSSL_|BN_|CRYPTO_|ERR_clear_error$|HMAC(_|$)|SHA(1|256)(_|$))")

# What the compiler puts in by itself: assertions, stack protector, sanitizers, coverage.
COMPILER = re.compile(
    r"__assert_fail$|__stack_chk_fail$|_GLOBAL_OFFSET_TABLE_$"
    r"|__(asan|ubsan|lsan|sanitizer|sancov|gcov|llvm_profile)_|__start___sancov|__stop___sancov"
)

# The one allocation of an engine, and libcrypto's contexts beside it.
HEAP = re.compile(r"(calloc|free)$")
HEAP_MEMBERS = re.compile(r"(engine(_new|_free)?|crypto(_[a-z]+)?)\.c\.o$")


def symbols(nm, archive):
    """Yields (member, undefined, name) for each external symbol of the archive."""
    out = subprocess.run([nm, "-A", archive], stdout=subprocess.PIPE, check=True, text=True).stdout
    for line in out.splitlines():
        where, kind, name = re.match(r"(.*):[0-9a-f ]* (\S) (\S+)$", line).groups()
        yield where.rsplit(":", 1)[-1], kind in "Uvw", name


def main():
    nm, archive = sys.argv[1:3]
    listed = list(symbols(nm, archive))
    defined = {name for _, undefined, name in listed if not undefined}
    problems = []
    for member, undefined, name in listed:
        if not undefined or name in defined:
            continue
        if MEMORY.match(name) or CRYPTO.match(name) or COMPILER.match(name):
            continue
        if HEAP.match(name) and HEAP_MEMBERS.search(member):
            continue
        why = "heap outside engine and crypto set-up" if HEAP.match(name) else "not for the core"
        problems.append(f"{member}: {name}: {why}")
    tree.finish(sorted(problems), f"{len({member for member, _, _ in listed})} objects of the core")


if __name__ == "__main__":
    main()
