/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a P-256 key and a certificate that it signs itself: the pair costs a handshake less than
 * any other, and each tool for certificates can read it.
 */
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "internal.h"
#include "keys_make.h"

#define VERSION_3 2
#define SERIAL_LEN 16

static bool make_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext = NULL;
	bool ok = false;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

/* The key's own fingerprint is a number that no other certificate has. */
static bool make_serial(X509 *cert, const uint8_t fingerprint[static KEYS_FINGERPRINT_LEN])
{
	uint8_t octets[SERIAL_LEN];
	BIGNUM *number = NULL;
	bool ok = false;

	memcpy(octets, fingerprint, sizeof(octets));
	octets[0] = (octets[0] & 0x3f) | 0x40;
	number = BN_bin2bn(octets, sizeof(octets), NULL);
	ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return ok;
}

static bool make_fill(X509 *cert, EVP_PKEY *key, const char *name, int64_t not_before,
		      int64_t not_after, uint8_t ret_fingerprint[static KEYS_FINGERPRINT_LEN])
{
	X509_NAME *subject = X509_get_subject_name(cert);

	return X509_set_version(cert, VERSION_3) == 1 && X509_set_pubkey(cert, key) == 1 &&
	       keys_fingerprint_of_x509(cert, ret_fingerprint) &&
	       make_serial(cert, ret_fingerprint) &&
	       ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)not_before) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)not_after) != NULL &&
	       X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(cert, subject) == 1 &&
	       make_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       make_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	       make_extension(cert, NID_ext_key_usage, "serverAuth,clientAuth") &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

static bool make_text(BIO *bio, char ret_text[static KEYS_PEM_MAX])
{
	const int len = BIO_read(bio, ret_text, KEYS_PEM_MAX - 1);

	if (len <= 0 || BIO_ctrl_pending(bio) != 0)
		return false;
	ret_text[len] = '\0';
	return true;
}

static bool make_key_text(EVP_PKEY *key, char ret_text[static KEYS_PEM_MAX])
{
	BIO *bio = BIO_new(BIO_s_secmem());
	const bool ok = bio != NULL &&
			PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
			make_text(bio, ret_text);

	BIO_free(bio);
	return ok;
}

static bool make_certificate(EVP_PKEY *key, const char *name, int64_t not_before, int64_t not_after,
			     struct keys_made *ret_made)
{
	X509 *cert = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	const bool ok = cert != NULL && bio != NULL &&
			make_fill(cert, key, name, not_before, not_after, ret_made->fingerprint) &&
			PEM_write_bio_X509(bio, cert) == 1 && make_text(bio, ret_made->certificate);

	BIO_free(bio);
	X509_free(cert);
	return ok;
}

static bool make_all(EVP_PKEY *key, const char *name, int64_t not_before, int64_t not_after,
		     struct keys_made *ret_made)
{
	struct keys_made made = {0};
	const bool ok = key != NULL && make_certificate(key, name, not_before, not_after, &made) &&
			make_key_text(key, made.key);

	if (ok)
		memcpy(ret_made, &made, sizeof(made));
	OPENSSL_cleanse(&made, sizeof(made));
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}

bool keys_make(const char *name, int64_t not_before, int64_t not_after, struct keys_made *ret_made)
{
	return make_all(EVP_EC_gen("P-256"), name, not_before, not_after, ret_made);
}

bool keys_make_again(struct keys_octets key, const char *name, int64_t not_before,
		     int64_t not_after, struct keys_made *ret_made)
{
	BIO *bio = keys_bio_of(key);
	EVP_PKEY *old =
		bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, keys_no_passphrase, NULL) : NULL;

	BIO_free(bio);
	return make_all(old, name, not_before, not_after, ret_made);
}
