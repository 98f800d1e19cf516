/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fingerprints of public keys: SHA-256 of SubjectPublicKeyInfo (RFC 7469, 2.4), so that a
 * certificate may be renewed for the same key.
 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "internal.h"
#include "keys_identity.h"

#define PREFIX "sha256:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

bool keys_fingerprint_parse(const char *text, uint8_t ret[static KEYS_FINGERPRINT_LEN])
{
	return strncmp(text, PREFIX, PREFIX_LEN) == 0 &&
	       keys_hex_parse(text + PREFIX_LEN, strlen(text) - PREFIX_LEN, ret,
			      KEYS_FINGERPRINT_LEN);
}

void keys_fingerprint_print(const uint8_t fingerprint[static KEYS_FINGERPRINT_LEN],
			    char ret_text[static KEYS_FINGERPRINT_TEXT_MAX])
{
	memcpy(ret_text, PREFIX, PREFIX_LEN);
	keys_hex_print(fingerprint, KEYS_FINGERPRINT_LEN, ret_text + PREFIX_LEN);
}

bool keys_fingerprint_of_x509(const X509 *cert, uint8_t ret[static KEYS_FINGERPRINT_LEN])
{
	unsigned char *der = NULL;
	const int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	unsigned int got = 0;
	bool ok = false;

	if (len > 0)
		ok = EVP_Digest(der, (size_t)len, ret, &got, EVP_sha256(), NULL) == 1 &&
		     got == KEYS_FINGERPRINT_LEN;
	OPENSSL_free(der);
	return ok;
}

bool keys_fingerprint_of(struct keys_octets pem, uint8_t ret[static KEYS_FINGERPRINT_LEN])
{
	uint8_t fingerprint[KEYS_FINGERPRINT_LEN];
	BIO *bio = keys_bio_of(pem);
	X509 *cert = bio != NULL ? PEM_read_bio_X509(bio, NULL, keys_no_passphrase, NULL) : NULL;
	const bool ok = cert != NULL && keys_fingerprint_of_x509(cert, fingerprint);

	if (ok)
		memcpy(ret, fingerprint, sizeof(fingerprint));
	X509_free(cert);
	BIO_free(bio);
	ERR_clear_error();
	return ok;
}
