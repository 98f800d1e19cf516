#!/usr/bin/python3 -BI
# SPDX-License-Identifier: BSD-2-Clause
"""What runs inside User Mode Linux, as its first process, and the data traffic of both ends.

As a program: takes commands from the console /dev/tty1, a JSON list a line, and answers each with a
JSON value a line; on "quit" or the end of the line it switches the machine off.  The file system is
the host's, read only.

    ["insmod", FILE]                         load a kernel module; 0 or an errno
    ["run", WORD, ...]                       [status, stdout, stderr]
    ["tcp", SOURCE, DESTINATION, OCTETS]     tcp_send()
    ["udp", SOURCE, DESTINATION, COUNT]      udp_exchange()
    ["mh", SOURCE, DESTINATION, HEX, KIND]   mobility_exchange()
    ["mh-take", DESTINATION, KIND]           mobility_take()
    ["mh-hear"]                              from now on, mobility messages are no ICMPv6 errors

As a module: the same servers and clients for the host's end.  A client always says which address it
saw answering and which address the server saw asking.
"""
import ctypes
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import tty

TCP_PORT, UDP_PORT = 7000, 7001
MH = 135
LIMIT_S = 20
READY = b"ready\n"
UDP_LEN_MAX = 1300  # with both headers it still fits 1500 octets: a fragment proves nothing here

SYS_FINIT_MODULE = 313  # x86-64, the only machine that Debian builds User Mode Linux for
RB_POWER_OFF = 0x4321FEDC

deaf = []  # sockets that nobody reads

libc = ctypes.CDLL(None, use_errno=True)


def stream(octets):
    return hashlib.shake_128(b"bub").digest(octets)


def listening():
    """The two server sockets, of the network namespace that the caller is in."""
    t = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    t.bind(("::", TCP_PORT))
    t.listen()
    u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    u.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    u.bind(("::", UDP_PORT))
    return t, u


def take_in(conn, peer):
    """A stream up to its end; answers with its hash and who sent it."""
    digest = hashlib.sha256()
    with conn:
        while data := conn.recv(1 << 16):
            digest.update(data)
        conn.sendall(f"{digest.hexdigest()} {peer[0]}".encode())


def serve_tcp(t):
    """One thread each: a stream that a case lost must not be in the way of the next."""
    while True:
        threading.Thread(target=take_in, args=t.accept(), daemon=True).start()


def serve_udp(u):
    """Answers from the address that was asked, with who asked in front of the payload."""
    while True:
        data, ancillary, _, peer = u.recvmsg(2048, 256)
        try:
            # The packet information names the interface it came by; the route decides anew.
            info = [(a[0], a[1], a[2][:16] + bytes(4)) for a in ancillary]
            u.sendmsg([peer[0].encode() + b" " + data], info, 0, peer)
        except OSError:
            pass  # the same


def serve(sockets):
    for server, sock in zip((serve_tcp, serve_udp), sockets):
        threading.Thread(target=server, args=(sock,), daemon=True).start()


def client(kind):
    s = socket.socket(socket.AF_INET6, kind)
    s.settimeout(LIMIT_S)
    return s


def tcp_send(source, destination, octets, sock=None):
    """Sends a stream; whether its hash is right at the other end, and who it was from there."""
    data = stream(octets)
    with sock or client(socket.SOCK_STREAM) as s:
        s.bind((source, 0))
        s.connect((destination, TCP_PORT))
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        answer = b""
        while more := s.recv(4096):
            answer += more
    digest, seen = answer.decode().split()
    return [digest == hashlib.sha256(data).hexdigest(), seen]


def udp_exchange(source, destination, count, sock=None):
    """One packet after the other, of all sizes; how many came back as sent, and who they were from
    there.  Ends with the first that does not come back."""
    good, seen = 0, set()
    with sock or client(socket.SOCK_DGRAM) as s:
        s.bind((source, 0))
        for i in range(count):
            data = stream(1 + i * UDP_LEN_MAX // count)
            s.sendto(data, (destination, UDP_PORT))
            try:
                answer, peer = s.recvfrom(4096)
            except socket.timeout:
                break
            asker, _, back = answer.partition(b" ")
            good += back == data and peer[0] == destination
            seen.add(asker.decode())
    return [good, sorted(seen)]


def take(s, kind):
    while True:
        message, peer = s.recvfrom(4096)
        if message[2] == kind:
            return [message.hex(), peer[0]]


def mobility_exchange(source, destination, message, kind):
    """Sends a mobility message, whose checksum is the kernel's task, and returns the first one of
    @kind that comes to the source, if one is wanted, and who it is from; what IPsec does to them
    is the kernel's task too."""
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, MH) as s:
        s.settimeout(LIMIT_S)
        s.bind((source, 0))
        s.sendto(bytes.fromhex(message), (destination, 0))
        return [] if kind is None else take(s, kind)


def mobility_hear():
    deaf.append(socket.socket(socket.AF_INET6, socket.SOCK_RAW, MH))


def mobility_take(destination, kind):
    """The next message of @kind, and who it is from."""
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, MH) as s:
        s.settimeout(LIMIT_S)
        s.bind((destination, 0))
        return take(s, kind)


def insmod(path):
    fd = os.open(path, os.O_RDONLY)
    failed = libc.syscall(SYS_FINIT_MODULE, fd, b"", 0) != 0
    os.close(fd)
    return ctypes.get_errno() if failed else 0


def run(*words):
    done = subprocess.run(words, check=False, capture_output=True, text=True,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    return [done.returncode, done.stdout, done.stderr]


def attempt(name, arguments):
    """A failed command is an answer too."""
    commands = {"insmod": insmod, "run": run, "tcp": tcp_send, "udp": udp_exchange,
                "mh": mobility_exchange, "mh-take": mobility_take, "mh-hear": mobility_hear,
                "serve": lambda: serve(listening())}
    try:
        return commands[name](*arguments)
    except (OSError, ValueError) as e:
        return f"{name}: {e}"


def obey(fd):
    os.write(fd, READY)
    for line in os.fdopen(os.dup(fd), "rb"):
        name, *arguments = json.loads(line)
        if name == "quit":
            return
        answer = json.dumps(attempt(name, arguments)).encode() + b"\n"
        while answer:
            answer = answer[os.write(fd, answer):]


def main():
    for kind, where in ((b"proc", b"/proc"), (b"sysfs", b"/sys"), (b"tmpfs", b"/run")):
        libc.mount(kind, where, kind, 0, None)
    serve_until_quit()


def serve_until_quit():
    """Then the machine is switched off."""
    fd = os.open("/dev/tty1", os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    try:
        obey(fd)
    except OSError:
        pass  # the line was hung up: whoever asked is dead
    finally:
        libc.reboot(RB_POWER_OFF)


if __name__ == "__main__":
    sys.exit(main())
