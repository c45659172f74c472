/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include <errno.h>
#include <sha2.h>
#include <string.h>

#include "base/text.h"
#include "store/db.h"

_Static_assert(SHA256_DIGEST_LENGTH == STORE_DIGEST_SIZE, "the digest is SHA-256");

static void digest_of(const void *bytes, size_t size, __u8 ret[STORE_DIGEST_SIZE])
{
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, bytes, size);
	SHA256Final(ret, &ctx);
}

char *store_digest_text(const __u8 digest[STORE_DIGEST_SIZE], char buf[STORE_DIGEST_TEXT])
{
	char *p = stpcpy(buf, "sha256:");

	for (int i = 0; i < STORE_DIGEST_SIZE; i++)
		p += sprintf(p, "%02x", digest[i]);
	return buf;
}

int store_put(struct store *s, const void *bytes, size_t size, __u8 ret_digest[STORE_DIGEST_SIZE],
	      struct braid_error *err)
{
	__u8 digest[STORE_DIGEST_SIZE];
	int r;

	digest_of(bytes, size, digest);
	r = db_run(s, err,
		   "INSERT INTO object(digest, size, bytes, added) VALUES(?1, ?2, ?3, ?4)"
		   "  ON CONFLICT(digest) DO UPDATE SET size = ?2, bytes = ?3"
		   "  WHERE size != ?2 OR bytes != ?3",
		   "bibi", digest, sizeof(digest), (long long)size, bytes, size, db_now());
	if (!r)
		memcpy(ret_digest, digest, sizeof(digest));
	return r;
}

static int damaged(struct store *s, const char *name, struct braid_error *err)
{
	error_set(err, -EBADMSG, s->path, "the stored object %s is damaged", name);
	error_why(err, "its bytes have another digest");
	error_hint(err, "apply a manifest with the original object file: that mends it");
	return -EBADMSG;
}

int store_get(struct store *s, const __u8 digest[STORE_DIGEST_SIZE], void **ret, size_t *ret_size,
	      struct braid_error *err)
{
	_cleanup_stmt_ sqlite3_stmt *stmt = NULL;
	char name[STORE_DIGEST_TEXT];
	__u8 found[STORE_DIGEST_SIZE];
	const void *bytes;
	size_t size;
	void *copy;
	int r;

	store_digest_text(digest, name);
	r = db_prepare(s, &stmt, err, "SELECT bytes FROM object WHERE digest = ?", "b", digest,
		       (size_t)STORE_DIGEST_SIZE);
	if (r)
		return r;
	r = db_step(s, stmt, err);
	if (r < 0)
		return r;
	if (!r) {
		error_set(err, -ENOENT, s->path, "there is no object %s", name);
		return -ENOENT;
	}
	bytes = sqlite3_column_blob(stmt, 0);
	size = sqlite3_column_bytes(stmt, 0);
	digest_of(bytes, size, found);
	if (memcmp(found, digest, sizeof(found)))
		return damaged(s, name, err);
	copy = malloc(size ?: 1);
	if (!copy)
		return error_oom(err);
	*ret = size ? memcpy(copy, bytes, size) : copy;
	*ret_size = size;
	return 0;
}
