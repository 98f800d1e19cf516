/* SPDX-License-Identifier: BSD-2-Clause */
/* See keysocket.h. */
#include "keysocket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

int keysocket_open(int type, const struct in6_addr *address, uint16_t port, int *ret_fd)
{
	const struct sockaddr_in6 at = {
		.sin6_family = AF_INET6, .sin6_addr = *address, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, err = 0;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on)) == 0 &&
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0) {
		*ret_fd = fd;
		return 0;
	}
	err = -errno;
	if (fd >= 0)
		(void)close(fd);
	return err;
}
