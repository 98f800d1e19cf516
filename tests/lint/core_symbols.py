#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Keeps the core, the link layer and the agreement of keys free of I/O, clocks and randomness: which
outside symbols their objects refer to.

  core_symbols.py NM LIBBUBCORE.A
  core_symbols.py NM LIBBUBLINK.A LIBBUBCORE.A   the link layer, which uses the core's decoders
  core_symbols.py --tls NM LIBBUBKEYS.A LIBBUBESP.A   the keys, which have libssl and text
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

# libssl and certificates, and the BIOs that are memory; random octets and the time of handshakes are
# libssl's own affair.  And text, which is for people and for lines of a message.
TLS = re.compile(
    r"(SSL|TLS|X509|X509V3|ASN1|PEM|GENERAL_NAMES?|ERR|i2d|d2i|BIGNUM)_"
    r"|BIO_(new|new_mem_buf|free|read|write|s_mem|s_secmem|ctrl_pending)$"
    r"|str(len|cmp|ncmp|chr|str|span|cspn|spn|casecmp|ncasecmp|ftime)$"
    r"|(__)?snprintf(_chk)?$|inet_(ntop|pton)$|(__)?mem(chr|cpy)(_chk)?$"
)

# What the compiler puts in by itself: assertions, stack protector, sanitizers, coverage.
COMPILER = re.compile(
    r"__assert_fail$|__stack_chk_fail$|_GLOBAL_OFFSET_TABLE_$"
    r"|__(asan|ubsan|lsan|sanitizer|sancov|gcov|llvm_profile)_|__start___sancov|__stop___sancov"
)

# The one allocation of an engine, a link layer or a choice of carriers, and libcrypto's contexts.
HEAP = re.compile(r"(calloc|free)$")
HEAP_MEMBERS = re.compile(r"(engine(_new|_free)?|crypto(_[a-z]+)?|link|carrier)\.c\.o$")
HEAP_MEMBERS_TLS = re.compile(r"(context|session)\.c\.o$")

# What one archive may use of the other: the wire and the ground floor, not the protocol.
WIRE = re.compile(r"(bub_(addr|icmp6|ip6|mh)|table|arena|esp_(alg|set))_")


def symbols(nm, archive):
    """Yields (member, undefined, name) for each external symbol of the archive."""
    out = subprocess.run([nm, "-A", archive], stdout=subprocess.PIPE, check=True, text=True).stdout
    for line in out.splitlines():
        where, kind, name = re.match(r"(.*):[0-9a-f ]* (\S) (\S+)$", line).groups()
        yield where.rsplit(":", 1)[-1], kind in "Uvw", name


def main():
    tls = sys.argv[1] == "--tls"
    nm, archive, *used = sys.argv[1 + tls :]
    listed = list(symbols(nm, archive))
    defined = {name for _, undefined, name in listed if not undefined}
    crypto = CRYPTO if tls or not used else re.compile("(?!)")
    members = HEAP_MEMBERS_TLS if tls else HEAP_MEMBERS
    problems = []
    for other in used:
        defined |= {n for _, undefined, n in symbols(nm, other) if not undefined and WIRE.match(n)}
    for member, undefined, name in listed:
        if not undefined or name in defined:
            continue
        if MEMORY.match(name) or crypto.match(name) or COMPILER.match(name):
            continue
        if tls and TLS.match(name):
            continue
        if HEAP.match(name) and members.search(member):
            continue
        why = "heap outside of set-up" if HEAP.match(name) else "not for this archive"
        problems.append(f"{member}: {name}: {why}")
    tree.finish(sorted(problems), f"{len({member for member, _, _ in listed})} objects")


if __name__ == "__main__":
    main()
