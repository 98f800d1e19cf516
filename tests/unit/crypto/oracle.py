# SPDX-License-Identifier: BSD-2-Clause
"""The groups of both suites, for oracles of tests: integers for group 14, its prime computed from the
formula of RFC 3526, 3 with pi by Machin's series, and the ladder of RFC 7748, 5 for X25519."""


def arctan_inverse(x, one):
    term = total = one // x
    n, sign = 3, -1
    while term:
        term //= x * x
        total += sign * (term // n)
        n, sign = n + 2, -sign
    return total


def group14_prime():
    one = 1 << (1918 + 64)
    pi = 4 * (4 * arctan_inverse(5, one) - arctan_inverse(239, one)) >> 64
    return 2**2048 - 2**1984 - 1 + 2**64 * (pi + 124476)


def x25519(k, u):
    p = 2**255 - 19
    k = bytearray(k)
    k[0] &= 248
    k[31] = k[31] & 127 | 64
    k, u = int.from_bytes(k, "little"), int.from_bytes(u, "little") & (2**255 - 1)
    x1, x2, z2, x3, z3, swap = u, 1, 0, u, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % p, x1 * (da - cb) ** 2 % p
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")
