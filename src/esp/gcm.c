/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * AES-GCM by libipsec-mb's direct calls: no jobs and no queues, since a packet is opened where the
 * next one depends on it.
 */
#include "gcm.h"

#include <intel-ipsec-mb.h>
#include <stdlib.h>

#define ICV_LEN 16
#define AAD_LEN 12
/* The library tests itself when it is made ready. */
#define NEEDED (IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_SELF_TEST_PASS)

/* Its size is a multiple of the alignment, as C11 asks for of aligned_alloc(). */
struct gcm_key {
	_Alignas(GCM_KEY_ALIGNMENT) struct gcm_key_data data;
	bool bits_256;
};

struct library {
	struct gcm gcm; /* first: what others see of it */
	IMB_MGR *mgr;
};

static IMB_MGR *mgr_of(const struct gcm *gcm)
{
	return ((const struct library *)(const void *)gcm)->mgr;
}

static void library_load(const struct gcm *gcm, struct gcm_key *key, const uint8_t *octets,
			 size_t len)
{
	key->bits_256 = len == IMB_KEY_256_BYTES;
	if (key->bits_256)
		IMB_AES256_GCM_PRE(mgr_of(gcm), octets, &key->data);
	else
		IMB_AES128_GCM_PRE(mgr_of(gcm), octets, &key->data);
}

static void library_seal(const struct gcm *gcm, const struct gcm_packet *p, uint8_t *body,
			 size_t len, uint8_t *ret_icv)
{
	const IMB_MGR *mgr = mgr_of(gcm);
	const aes_gcm_enc_dec_t seal = p->key->bits_256 ? mgr->gcm256_enc : mgr->gcm128_enc;
	struct gcm_context_data ctx;

	seal(&p->key->data, &ctx, body, body, len, p->nonce, p->aad, AAD_LEN, ret_icv, ICV_LEN);
}

static void library_unseal(const struct gcm *gcm, const struct gcm_packet *p, const uint8_t *body,
			   size_t len, uint8_t *plain, uint8_t *ret_icv)
{
	const IMB_MGR *mgr = mgr_of(gcm);
	const aes_gcm_enc_dec_t unseal = p->key->bits_256 ? mgr->gcm256_dec : mgr->gcm128_dec;
	struct gcm_context_data ctx;

	unseal(&p->key->data, &ctx, plain, body, len, p->nonce, p->aad, AAD_LEN, ret_icv, ICV_LEN);
}

static void library_free(struct gcm *gcm)
{
	free_mb_mgr(mgr_of(gcm));
	free(gcm);
}

struct gcm *gcm_new(void)
{
	struct library *lib = calloc(1, sizeof(*lib));
	IMB_ARCH arch = IMB_ARCH_NONE;

	if (lib == NULL)
		return NULL;
	lib->gcm = (struct gcm){
		.key_size = sizeof(struct gcm_key),
		.load = library_load,
		.seal = library_seal,
		.unseal = library_unseal,
		.free = library_free,
	};
	lib->mgr = alloc_mb_mgr(0);
	if (lib->mgr != NULL)
		init_mb_mgr_auto(lib->mgr, &arch);
	if (arch >= IMB_ARCH_AVX2 && (lib->mgr->features & NEEDED) == NEEDED)
		return &lib->gcm;
	if (lib->mgr != NULL)
		free_mb_mgr(lib->mgr);
	free(lib);
	return NULL;
}
