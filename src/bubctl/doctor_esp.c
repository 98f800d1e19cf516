/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the kernel can do the ESP of data (docs/esp.md).  It is asked as bubd asks it, by making
 * an SA, in a network namespace that ends with the process that asks: nothing of this machine's
 * changes, and a bubd that runs does not notice.  Asking makes the kernel load its modules.
 */
#include <errno.h>
#include <linux/xfrm.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <netinet/in.h>

#include "doctor.h"

#define KEY_OCTETS 20 /* RFC 4106, 8.1: AES-128 and its salt */
#define ICV_BITS 128
#define WINDOW_WORDS 2

/* What is missing: bits of the exit status of the process that asks. */
static const struct esp_part {
	const char *module, *option;
} parts[] = {
	{"xfrm_user", "CONFIG_XFRM_USER"},
	{"esp6", "CONFIG_INET6_ESP"},
	{"gcm", "CONFIG_CRYPTO_GCM"},
	{"seqiv", "CONFIG_CRYPTO_SEQIV"},
};
enum {
	NO_XFRM = 1,
	NO_ESP = 2,
	NO_GCM = 4,
	NO_SEQIV = 8,
	NOT_ASKED = 16, /* there is no namespace to ask in */
	REFUSED = 32,   /* for another reason */
};

struct sa_request {
	struct nlmsghdr header;
	struct xfrm_usersa_info info;
	uint8_t attributes[512];
};

static void put_attribute(struct sa_request *r, uint16_t type, const void *data, size_t len)
{
	const size_t at = r->header.nlmsg_len - offsetof(struct sa_request, attributes);
	const struct nlattr attribute = {.nla_type = type,
					 .nla_len = (uint16_t)(sizeof(attribute) + len)};

	memcpy(r->attributes + at, &attribute, sizeof(attribute));
	memcpy(r->attributes + at + sizeof(attribute), data, len);
	r->header.nlmsg_len += (uint32_t)(sizeof(attribute) + (len + 3) / 4 * 4);
}

static void put_cipher(struct sa_request *r)
{
	const struct xfrm_algo_aead cipher = {.alg_name = "rfc4106(gcm(aes))",
					      .alg_key_len = 8 * KEY_OCTETS,
					      .alg_icv_len = ICV_BITS};
	uint8_t with_key[sizeof(cipher) + KEY_OCTETS] = {0};

	memcpy(with_key, &cipher, sizeof(cipher));
	put_attribute(r, XFRMA_ALG_AEAD, with_key, sizeof(with_key));
}

/* No cipher: it shows whether there is ESP at all. */
static void put_no_cipher(struct sa_request *r)
{
	const struct xfrm_algo cipher = {.alg_name = "ecb(cipher_null)"};
	const struct xfrm_algo digest = {.alg_name = "digest_null"};

	put_attribute(r, XFRMA_ALG_CRYPT, &cipher, sizeof(cipher));
	put_attribute(r, XFRMA_ALG_AUTH, &digest, sizeof(digest));
}

/* 0 or an errno. */
static int try_sa(int fd, bool has_cipher)
{
	const struct xfrm_replay_state_esn esn = {.bmp_len = WINDOW_WORDS,
						  .replay_window = 32 * WINDOW_WORDS};
	uint8_t numbers[sizeof(esn) + WINDOW_WORDS * sizeof(uint32_t)] = {0};
	struct sa_request r = {
		.header = {.nlmsg_len = offsetof(struct sa_request, attributes),
			   .nlmsg_type = XFRM_MSG_NEWSA,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.info = {.family = AF_INET6,
			 .mode = XFRM_MODE_TUNNEL,
			 .flags = XFRM_STATE_ESN,
			 .id = {.proto = IPPROTO_ESP, .spi = htonl(has_cipher ? 0x1000 : 0x1001)}},
	};
	union {
		struct {
			struct nlmsghdr header;
			struct nlmsgerr error;
		} is;
		uint8_t octets[1024]; /* the request comes back in it */
	} answer = {0};

	r.info.id.daddr.a6[3] = r.info.saddr.a6[3] = htonl(1);
	r.info.sel.family = AF_INET6;
	r.info.lft.soft_byte_limit = r.info.lft.hard_byte_limit = XFRM_INF;
	r.info.lft.soft_packet_limit = r.info.lft.hard_packet_limit = XFRM_INF;
	if (has_cipher)
		put_cipher(&r);
	else
		put_no_cipher(&r);
	memcpy(numbers, &esn, sizeof(esn));
	put_attribute(&r, XFRMA_REPLAY_ESN_VAL, numbers, sizeof(numbers));
	if (send(fd, &r, r.header.nlmsg_len, 0) < 0 ||
	    recv(fd, answer.octets, sizeof(answer.octets), MSG_DONTWAIT) < 0)
		return errno;
	return answer.is.header.nlmsg_type == NLMSG_ERROR ? -answer.is.error.error : EPROTO;
}

/* The kernel looks for the cipher first, then for ESP, then for what makes IVs. */
static int missing_parts(void)
{
	int fd = 0, missing = 0;

	if (unshare(CLONE_NEWNET) < 0)
		return NOT_ASKED;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM);
	if (fd < 0)
		return errno == EPROTONOSUPPORT ? NO_XFRM : REFUSED;
	switch (try_sa(fd, true)) {
	case 0:
		return 0;
	case ENOSYS:
		missing = NO_GCM;
		break;
	case EPROTONOSUPPORT:
		return NO_ESP;
	case ENOENT:
		return NO_SEQIV;
	default:
		return REFUSED;
	}
	return try_sa(fd, false) == EPROTONOSUPPORT ? missing | NO_ESP : missing;
}

static int ask_kernel(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(missing_parts());
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return NOT_ASKED;
	return WEXITSTATUS(status);
}

static void name_parts(int missing, char *ret, size_t size)
{
	ret[0] = '\0';
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const size_t len = strlen(ret);

		if ((missing >> i & 1) != 0)
			(void)snprintf(ret + len, size - len, "%s%s (%s)", len > 0 ? ", " : "",
				       parts[i].module, parts[i].option);
	}
}

void doctor_check_esp(struct doctor *d)
{
	const char *esp = doctor_text(d->config, "esp");
	const bool must = strcmp(esp, "kernel") == 0;
	char names[256];
	int missing = 0;

	if (!d->root || d->config == NULL || (!d->is_mobile && !d->is_agent) ||
	    strcmp(esp, "user") == 0 ||
	    !json_is_true(json_object_get(d->config, "protect_payload")))
		return;
	missing = ask_kernel();
	if (missing == 0) {
		doctor_add(d, DOCTOR_OK, "esp", json_string("the kernel can do the ESP of data"),
			   NULL, NULL);
		return;
	}
	if ((missing & NOT_ASKED) != 0) {
		doctor_add(d, DOCTOR_NOTE, "esp",
			   json_string("not known: whether the kernel can do the ESP of data"),
			   "it is tried in a network namespace, and none can be made", NULL);
		return;
	}
	if ((missing & REFUSED) != 0) {
		(void)snprintf(names, sizeof(names), "it refuses an SA");
	} else {
		const char *line = doctor_line("/proc/sys/kernel/modules_disabled");
		const bool off = line != NULL && strcmp(line, "1") == 0;
		const int len = snprintf(names, sizeof(names), "%sit lacks ",
					 off ? "kernel.modules_disabled is 1, and " : "");

		name_parts(missing, names + len, sizeof(names) - (size_t)len);
	}
	doctor_add(
		d, must ? DOCTOR_FAULT : DOCTOR_NOTE, "esp",
		json_sprintf("the kernel cannot do the ESP of data: %s", names),
		must ? "esp = kernel is set, and bubd does not start; a kernel loads the modules "
		       "that are installed by itself"
		     : "bubd does it itself, which takes more processor time; a kernel loads "
		       "the modules that are installed by itself",
		NULL);
}
