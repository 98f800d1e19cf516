/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop.  Owns the order in which things happen: what the kernel room reports goes into the
 * engine, what the engine wants is carried out at once, timers run when they are due, and the loop
 * sleeps until the next one.  Owns start and stop too.  Knows no protocol.
 *
 * One thread.  Nothing blocks in here but the few writes of sequence numbers (sas.c) and, at a
 * home agent, of registrations (bindings.c).
 */
#include "daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <uv.h>

#include "absence.h"
#include "clients.h"
#include "complaints.h"
#include "control.h"
#include "discards.h"
#include "eventlog.h"
#include "handovers.h"
#include "keyassign.h"
#include "keyd.h"
#include "keykernel.h"
#include "keylog.h"
#include "linux_esp.h"
#include "log.h"
#include "logs.h"
#include "metrics.h"
#include "openmetrics.h"
#include "owners.h"
#include "privs.h"
#include "random.h"
#include "reload.h"
#include "request.h"
#include "sas.h"
#include "sas_homes.h"
#include "settings.h"
#include "slept.h"
#include "storage.h"
#include "takeover.h"
#include "tcpcarrier.h"

#define ERROR_MAX 512
#define POLLS_MAX 16
#define SIGNALS 3
#define POLL_ERRORS_MAX 100 /* of one descriptor in a second */

#define MANY_CLIENTS 4096u /* from so many on their memory is not in a cache */
#define SAS_DELAY_MS 1000  /* after the first packet; sas.h: within a second */

struct daemon;

struct poll {
	uv_poll_t handle;
	struct daemon *d;
	unsigned index;
	unsigned errors; /* in the second from errors_since on */
	struct bub_time errors_since;
};

struct daemon {
	const char *config_path;
	struct bubd_config *cfg; /* its mobile nodes change with a reload */
	struct log log;
	struct eventlog events;
	struct complaints complaints;
	struct absence absence;
	struct discards discards;
	FILE *key_log;
	struct sas *sas;
	struct storage *storage;   /* NULL: no home agent, or nothing is stored */
	struct takeover *takeover; /* NULL: it is in no group */
	struct owners *owners;     /* of home addresses, under such keys as: */
	struct keyd *keyd;         /* of keys that are agreed on */
	struct bub_engine *engine;
	struct handovers *handovers;
	struct lnx *lnx;
	struct gaps gaps;
	struct names *names;
	struct control *control;
	struct metrics *metrics; /* NULL: not served */

	struct reload reload;

	uv_loop_t loop;
	uv_prepare_t prepare;
	uv_timer_t timer;       /* the next deadline of engine or kernel room */
	struct bub_time alarm;  /* when it is set to */
	uv_timer_t sas_timer;   /* sequence numbers are looked at */
	uv_timer_t dummy_timer; /* a dummy packet is to go into each tunnel */
	uv_poll_t wake;         /* readable when the machine has slept */
	int wake_fd;            /* -1: it is noticed when something else happens */
	struct slept slept;
	uv_signal_t signals[SIGNALS];
	struct poll polls[POLLS_MAX];
	unsigned n_polls;
	unsigned packets; /* at most so many passed ESP since the last look */
	bool sas_pending; /* the last look left something to be written */
	bool stopped;     /* by a signal, before it has begun */
	int status;
};

static int daemon_fail(struct daemon *d, const char *what, const char *why)
{
	log_line(&d->log, LNX_LOG_ERROR, "%s%s%s", what, why[0] != '\0' ? ": " : "", why);
	return -1;
}

/* ---- The engine ---------------------------------------------------------------------------- */

static void daemon_on_trace(void *ctx, const struct bub_trace *tr)
{
	struct daemon *d = ctx;

	if (tr->type == BUB_TR_KEY)
		keylog_trace(d->key_log, tr);
	else if (tr->type != BUB_TR_TROUBLE || !keyd_lacks(d->keyd, &tr->local))
		eventlog_trace(&d->events, tr);
	/* A Binding Update that ESP has opened. */
	if (tr->type == BUB_TR_RECEIVED && strcmp(tr->via, "home agent") == 0)
		complaints_registered(&d->complaints, tr->now, &tr->peer);
	handovers_trace(d->handovers, tr);
	keyd_trace(d->keyd, tr);
	absence_trace(&d->absence, tr);
}

static void daemon_drain(struct daemon *d)
{
	const struct sas_homes homes = {.sas = d->sas, .cfg = d->cfg, .log = &d->log};
	struct bub_action act;
	struct bub_time now;

	while (bub_engine_next_action(d->engine, &act)) {
		sas_homes_begin(&homes, &act);
		if (act.type == BUB_ACT_STORE && group_serves(takeover_group(d->takeover)))
			storage_note(d->storage, &act);
		now = lnx_now();
		handovers_action(d->handovers, now, &act);
		lnx_carry_out(d->lnx, now, &act);
		keyd_action(d->keyd, &act);
		sas_homes_end(&homes, &act);
		eventlog_action(&d->events, &act);
		d->packets++;
	}
}

static void daemon_feed(struct daemon *d, const struct bub_event *ev)
{
	bub_engine_feed(d->engine, lnx_now(), ev);
	daemon_drain(d);
}

static void on_line(void *ctx, bool good, const char *text)
{
	struct daemon *d = ctx;

	log_line(&d->log, good ? LNX_LOG_INFO : LNX_LOG_ERROR, "%s", text);
}

static void daemon_on_verdict(void *ctx, const struct bub_event *ev)
{
	daemon_feed(ctx, ev);
}

static int on_restore(void *ctx, const struct bub_stored *stored)
{
	struct daemon *d = ctx;
	const int err = bub_engine_restore(d->engine, lnx_now(), stored);

	daemon_drain(d);
	return err;
}

static void daemon_on_event(void *ctx, const struct bub_event *ev)
{
	struct daemon *d = ctx;
	const struct bub_time now = lnx_now();

	if (group_mutes(takeover_group(d->takeover), ev))
		return;
	eventlog_event(&d->events, ev); /* first: its time is what a handover is measured from */
	handovers_event(d->handovers, now, ev);
	bub_engine_feed(d->engine, now, ev);
	daemon_drain(d);
}

static void on_esp_drop(void *ctx, const struct lnx_esp_drop *drop)
{
	struct daemon *d = ctx;

	eventlog_esp_drop(&d->events, drop);
	d->discards.esp[drop->why]++;
	if (!keyd_has_restarted_for(d->keyd, drop)) /* no other secret, but none any more */
		complaints_esp_drop(&d->complaints, d->engine, lnx_now(), drop);
	keyd_esp_drop(d->keyd, drop);
}

static void on_data_fault(void *ctx, const struct lnx_data_fault *fault)
{
	struct daemon *d = ctx;

	complaints_data(&d->complaints, lnx_now(), fault);
}

static void on_lnx_log(void *ctx, enum lnx_log_level level, const char *text)
{
	struct daemon *d = ctx;

	log_line(&d->log, level, "%s", text);
}

static void daemon_on_command(void *ctx, enum bub_command what, const struct in6_addr *peer)
{
	struct bub_event ev = {.type = BUB_EV_COMMAND};

	ev.u.command.what = what;
	ev.u.command.peer = *peer;
	daemon_feed(ctx, &ev);
}

/* ---- Mobile nodes of a home agent ---------------------------------------------------------- */

static void daemon_drain_engine(void *ctx)
{
	daemon_drain(ctx);
}

static bool is_subscriber(void *ctx, const struct in6_addr *home)
{
	const struct daemon *d = ctx;

	return owners_is_loaded(d->owners, home);
}

static void on_client_leaves(void *ctx, const struct bub_client_status *client)
{
	const struct daemon *d = ctx;

	keyd_client_leaves(d->keyd, client);
}

static struct clients clients_of(struct daemon *d)
{
	return (struct clients){.cfg = d->cfg,
				.engine = d->engine,
				.sas = d->sas,
				.log = &d->log,
				.drain = daemon_drain_engine,
				.is_subscriber = is_subscriber,
				.leaves = on_client_leaves,
				.ctx = d};
}

static int open_owners(struct daemon *d)
{
	const struct clients clients = clients_of(d);
	char error[ERROR_MAX] = "";

	d->owners = owners_open(&d->loop, &clients, error, sizeof(error));
	return d->owners != NULL ? 0 : daemon_fail(d, error, "");
}

/* ---- Agreed keys --------------------------------------------------------------------------- */

static void daemon_register(void *ctx)
{
	daemon_on_command(ctx, BUB_CMD_SEND_BINDING_UPDATES, &in6addr_any);
}

static void on_tcp_packet(void *ctx, const struct lnx_tcp *from, struct bub_view packet)
{
	struct daemon *d = ctx;

	if (d->lnx == NULL)
		return;
	lnx_tcp_take(d->lnx, from, packet);
	d->packets++;
}

static int open_keyd(struct daemon *d)
{
	const struct keyd_host host = {.loop = &d->loop,
				       .cfg = d->cfg,
				       .engine = d->engine,
				       .sas = d->sas,
				       .owners = d->owners,
				       .storage = d->storage,
				       .log = &d->log,
				       .now = lnx_now,
				       .random = random_fill,
				       .registers = daemon_register,
				       .tcp_take = on_tcp_packet,
				       .lnx = &d->lnx,
				       .ctx = d};
	char error[ERROR_MAX] = "";

	d->keyd = keyd_open(&host, error, sizeof(error));
	d->reload.keyd = d->keyd;
	return d->keyd != NULL ? 0 : daemon_fail(d, error, "");
}

static void tell_of_waiting(void)
{
	(void)sd_notify(0, "EXTEND_TIMEOUT_USEC=180000000\nSTATUS=waiting for a home address");
}

/* 0: all home addresses are known; -1: they are not, or a signal has ended it, which is no fault.
 */
static int assign_homes(struct daemon *d)
{
	const struct keyassign_host host = {.loop = &d->loop,
					    .log = &d->log,
					    .now = lnx_now,
					    .random = random_fill,
					    .waiting = tell_of_waiting};
	char error[ERROR_MAX] = "";
	int rc = keyassign_run(d->cfg, &host, error, sizeof(error));

	if (rc < 0)
		return daemon_fail(d, error, "");
	d->stopped = rc > 0;
	return rc == 0 ? 0 : -1;
}

/* ---- Handovers ----------------------------------------------------------------------------- */

static void on_turn(void *ctx, const struct in6_addr *local, const struct in6_addr *peer,
		    const struct in6_addr *local_care_of, const struct in6_addr *peer_care_of)
{
	const struct daemon *d = ctx;

	lnx_turn(d->lnx, local, peer, local_care_of, peer_care_of);
}

static bool on_traffic(void *ctx, const struct in6_addr *local, const struct in6_addr *peer,
		       struct lnx_traffic *ret)
{
	const struct daemon *d = ctx;

	return lnx_traffic(d->lnx, local, peer, ret);
}

static void on_handover(void *ctx, const struct handover *h)
{
	struct daemon *d = ctx;

	eventlog_handover(&d->events, h);
	gaps_note(&d->gaps, h);
}

static int daemon_start_handovers(struct daemon *d)
{
	const struct handovers_host host = {
		.ctx = d, .turn = on_turn, .traffic = on_traffic, .done = on_handover};
	const uint32_t pairs = d->cfg->engine.limit.bindings + d->cfg->engine.limit.peers;
	uint64_t seed = 0;

	random_fill(NULL, (uint8_t *)&seed, sizeof(seed));
	d->handovers = handovers_new(&host, pairs, seed);
	return d->handovers != NULL ? 0 : daemon_fail(d, "out of memory", "");
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void expire_due(struct daemon *d, struct bub_time now)
{
	while (!bub_time_before(now, bub_engine_deadline(d->engine))) {
		bub_engine_expire(d->engine, now);
		daemon_drain(d);
	}
	if (!bub_time_before(now, lnx_deadline(d->lnx)))
		lnx_expire(d->lnx, now);
	handovers_expire(d->handovers, now);
	sas_agreed_expire(d->sas, now);
}

static void daemon_on_timer(uv_timer_t *timer)
{
	(void)timer; /* the loop is awake: on_prepare() does the rest */
}

/* Milliseconds until @at, rounded up: a timer that fires early would make the loop spin. */
static uint64_t ms_until(struct bub_time at)
{
	struct bub_time now = lnx_now();

	return at.ns > now.ns ? (at.ns - now.ns + BUB_NS_PER_MS - 1) / BUB_NS_PER_MS : 0;
}

static void arm_timer(struct daemon *d)
{
	struct bub_time at = bub_engine_deadline(d->engine);
	const struct bub_time others[] = {lnx_deadline(d->lnx), handovers_deadline(d->handovers),
					  sas_agreed_deadline(d->sas), names_deadline(d->names)};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (bub_time_before(others[i], at))
			at = others[i];
	if (at.ns == d->alarm.ns && uv_is_active((uv_handle_t *)&d->timer))
		return;
	d->alarm = at;
	if (bub_time_is_never(at)) {
		(void)uv_timer_stop(&d->timer);
		return;
	}
	uv_update_time(&d->loop); /* the loop's own clock stands still while callbacks run */
	(void)uv_timer_start(&d->timer, daemon_on_timer, ms_until(at), 0);
}

static void on_wake(uv_poll_t *handle, int status, int events)
{
	struct daemon *d = handle->data;

	(void)status;
	(void)events;
	slept_drain(d->wake_fd); /* the loop is awake: on_prepare() does the rest */
	keyd_clock_set(d->keyd);
}

static void look_for_sleep(struct daemon *d)
{
	const struct slept_clocks now = slept_clocks();
	const uint64_t ms = slept_look(&d->slept, &now);
	const bool mobile = d->cfg->engine.n_homes > 0;

	if (ms == 0)
		return;
	log_line(&d->log, LNX_LOG_INFO, "the machine has slept for %llu s%s",
		 (unsigned long long)((ms + 500) / 1000), mobile ? ": bindings are refreshed" : "");
	/* Bindings that have ended meanwhile end before anything is refreshed. */
	expire_due(d, lnx_now());
	if (mobile)
		daemon_on_command(d, BUB_CMD_SEND_BINDING_UPDATES, &in6addr_any);
}

static void check_sas(struct daemon *d)
{
	const struct sas_listener listener = {.ctx = d, .line = on_line};

	d->packets = 0;
	d->sas_pending = sas_check(d->sas, lnx_now(), &listener);
}

static void on_sas_timer(uv_timer_t *timer)
{
	check_sas(timer->data);
}

/* RFC 4303, 2.6. */
static void on_dummy_timer(uv_timer_t *timer)
{
	struct daemon *d = timer->data;

	d->packets += lnx_send_dummies(d->lnx);
}

/* Before each sleep: runs what is due and sets the alarm. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct daemon *d = prepare->data;
	struct bub_time now;

	look_for_sleep(d);
	now = lnx_now();
	expire_due(d, now);
	names_look(d->names, d->engine, now);
	keyd_turn(d->keyd);
	lnx_wait(d->lnx, true);
	storage_commit(d->storage);
	lnx_wait(d->lnx, false);
	discards_look(&d->discards, now, d->engine, d->lnx);
	if (d->packets >= SAS_CHECK_PACKETS - LNX_READ_PACKETS)
		check_sas(d);
	if ((d->packets > 0 || d->sas_pending) && !uv_is_active((uv_handle_t *)&d->sas_timer))
		(void)uv_timer_start(&d->sas_timer, on_sas_timer, SAS_DELAY_MS, 0);
	arm_timer(d);
}

static void on_readable(uv_poll_t *handle, int status, int events);

/*
 * libuv watches a descriptor with an error no longer.  Mostly the error passes: netlink says so
 * when it lost messages, and the kernel room has asked for everything anew.  One that stays (bub's
 * interface was deleted) would keep the loop spinning.
 */
static void watch_again(struct poll *p)
{
	struct daemon *d = p->d;
	struct bub_time now = lnx_now();

	if (bub_time_before(bub_time_add_s(p->errors_since, 1), now)) {
		p->errors_since = now;
		p->errors = 0;
	}
	if (++p->errors <= POLL_ERRORS_MAX &&
	    uv_poll_start(&p->handle, UV_READABLE, on_readable) == 0)
		return;
	log_line(&d->log, LNX_LOG_ERROR,
		 "a descriptor keeps failing: was the interface %s deleted? bubd stops",
		 d->cfg->lnx.tun_name);
	eventlog_stop(&d->events, "a descriptor keeps failing");
	d->status = 1;
	uv_stop(&d->loop);
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
	struct poll *p = handle->data;
	struct daemon *d = p->d;

	(void)events;
	lnx_readable(d->lnx, p->index); /* takes an error off the descriptor too */
	if (status < 0)
		watch_again(p);
	d->packets += lnx_passed(d->lnx);
	if (d->packets >= SAS_CHECK_PACKETS - LNX_READ_PACKETS)
		check_sas(d); /* several descriptors may be ready in one turn of the loop */
}

/* ---- Signals ------------------------------------------------------------------------------- */

/* Everything that the secrets are needed for has been done. */
static void wipe_secrets(struct daemon *d)
{
	if (bubd_config_wipe_secrets(d->cfg) != 0)
		log_line(&d->log, LNX_LOG_WARNING, "the secrets stay in memory: libcrypto failed");
}

/* What SIGHUP and bubctl ask for. */
static void daemon_reload(void *ctx, struct reload_result *ret)
{
	struct daemon *d = ctx;

	(void)sd_notify(0, "RELOADING=1");
	logs_reopen(&d->events, d->key_log, d->cfg,
		    &d->log); /* whatever the configuration is like */
	reload_run(&d->reload, ret);
	(void)sd_notify(0, "READY=1");
}

static void daemon_on_signal(uv_signal_t *handle, int signum)
{
	struct daemon *d = handle->data;

	struct reload_result result;

	if (signum == SIGHUP) {
		daemon_reload(d, &result);
		reload_result_free(&result);
		return;
	}
	eventlog_stop(&d->events, signum == SIGTERM ? "SIGTERM" : "SIGINT");
	d->stopped = true;
	uv_stop(&d->loop);
}

/* ---- Requests ------------------------------------------------------------------------------ */

static int daemon_prefer(void *ctx, const char *interface, bool once)
{
	struct daemon *d = ctx;
	int err = lnx_prefer(d->lnx, interface, once);

	if (err != 0)
		return err;
	if (interface == NULL)
		log_line(&d->log, LNX_LOG_INFO, "bubctl: interfaces are preferred as configured");
	else
		log_line(&d->log, LNX_LOG_INFO, "bubctl: %s comes before all other interfaces%s",
			 interface, once ? ", while it has a care-of address" : "");
	return 0;
}

static struct status_source daemon_source(struct daemon *d)
{
	return (struct status_source){
		.node = d->cfg->node,
		.cfg = &d->cfg->engine,
		.engine = d->engine,
		.handovers = d->handovers,
		.gaps = &d->gaps,
		.lnx = d->lnx,
		.sas = d->sas,
		.unprotected = (d->cfg->lnx.unprotected & ESP_CLASS_BINDING) != 0,
		.complaints = &d->complaints,
		.keyd = d->keyd,
		.owners = d->owners,
		.names = d->names,
		.storing = storage_trouble(d->storage),
		.storage = d->storage,
		.group = takeover_group(d->takeover),
		.now = lnx_now(),
	};
}

static char *daemon_on_request(void *ctx, const char *request, size_t len, bool *ret_watch)
{
	struct daemon *d = ctx;
	struct request_target target = {
		.src = daemon_source(d),
		.command = daemon_on_command,
		.feed = daemon_on_event,
		.reload = daemon_reload,
		.prefer = daemon_prefer,
		.ctx = d,
		.ret_watch = ret_watch,
	};

	return request_answer(request, len, &target);
}

static char *daemon_on_metrics(void *ctx)
{
	const struct status_source src = daemon_source(ctx);
	json_t *status = status_for_metrics(&src);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (status != NULL && out != NULL)
		openmetrics_print(out, status);
	json_decref(status);
	if (out != NULL && fclose(out) == 0 && status != NULL)
		return text;
	free(text);
	return NULL;
}

static bool daemon_is_watched(void *ctx)
{
	const struct daemon *d = ctx;

	return control_is_watched(d->control);
}

static void daemon_publish(void *ctx, const char *line, size_t len)
{
	struct daemon *d = ctx;

	control_publish(d->control, line, len);
}

/* ---- Start --------------------------------------------------------------------------------- */

static int daemon_start_engine(struct daemon *d)
{
	const struct bubd_config *cfg = d->cfg;
	const struct bub_env env = {.ctx = d, .random = random_fill, .trace = daemon_on_trace};
	int err = bub_engine_new(&cfg->engine, &env, lnx_now(), &d->engine);

	if (err != 0)
		return daemon_fail(d, "engine", bub_strerror(err));
	for (size_t i = 0; err == 0 && i < cfg->n_pairs; i++)
		if (cfg->pairs[i].at_home_agent)
			err = bub_engine_add_client(d->engine, &cfg->pairs[i].home);
	if (err != 0)
		return daemon_fail(d, "engine, mobile nodes", bub_strerror(err));
	d->reload = (struct reload){.path = d->config_path,
				    .cfg = d->cfg,
				    .log = &d->log,
				    .engine = d->engine,
				    .sas = d->sas,
				    .feed = daemon_on_verdict,
				    .clients = clients_of(d),
				    .ctx = d};
	err = reload_begin(&d->reload);
	return err == 0 ? 0 : daemon_fail(d, "engine, peers", bub_strerror(err));
}

static int daemon_start_lnx(struct daemon *d)
{
	const bool many = d->cfg->engine.limit.clients >= MANY_CLIENTS;
	const struct lnx_callbacks cb = {.ctx = d,
					 .event = daemon_on_event,
					 .engine = many ? d->engine : NULL,
					 .esp_drop = on_esp_drop,
					 .data_fault = on_data_fault,
					 .hints = &keyd_hint_ops,
					 .hints_ctx = d->keyd,
					 .tcp = keyd_tcp(d->keyd) != NULL ? &tcpcarrier_ops : NULL,
					 .tcp_ctx = keyd_tcp(d->keyd),
					 .log = on_lnx_log};
	char error[ERROR_MAX] = "";

	if (lnx_open(&d->cfg->lnx, &cb, sas_database(d->sas), error, sizeof(error), &d->lnx) != 0)
		return daemon_fail(d, error, "");
	d->reload.lnx = d->lnx;
	if (lnx_fd_count(d->lnx) > POLLS_MAX)
		return daemon_fail(d, "more descriptors than expected",
				   "this is a mistake in bubd");
	for (unsigned i = 0; i < lnx_fd_count(d->lnx); i++) {
		struct poll *p = &d->polls[i];

		if (uv_poll_init(&d->loop, &p->handle, lnx_fd(d->lnx, i)) != 0)
			return daemon_fail(d, "cannot watch a descriptor", "");
		p->handle.data = p;
		p->d = d;
		p->index = i;
		d->n_polls++;
	}
	return 0;
}

/* Another home agent serves the mobile nodes, so this one answers nobody any more.  It ends well:
 * it is not to be started again and take over in its turn. */
static void on_fenced(void *ctx, const char *why)
{
	struct daemon *d = ctx;

	if (d->takeover != NULL) {
		group_fenced(takeover_group(d->takeover), why);
		return;
	}
	log_line(&d->log, LNX_LOG_ERROR, "%s: bubd stops", why);
	eventlog_stop(&d->events, "another home agent has taken over");
	d->stopped = true;
	uv_stop(&d->loop);
}

static int open_storage(struct daemon *d)
{
	const struct storage_host host = {.ctx = d,
					  .owners = &d->owners,
					  .serve = owners_serve,
					  .loop = &d->loop,
					  .cfg = d->cfg,
					  .now = lnx_now,
					  .feed = daemon_on_verdict,
					  .restore = on_restore,
					  .line = on_line,
					  .fenced = on_fenced};
	char error[ERROR_MAX] = "";

	if (!d->cfg->engine.ha.stable)
		return 0;
	d->storage = storage_open(&host, error, sizeof(error));
	return d->storage != NULL ? 0 : daemon_fail(d, error, "");
}

static int join_group(struct daemon *d)
{
	const struct takeover_host host = {.loop = &d->loop,
					   .clients = clients_of(d),
					   .owners = d->owners,
					   .keyd = d->keyd,
					   .lnx = d->lnx,
					   .storage = d->storage,
					   .events = &d->events};

	d->takeover = takeover_open(&host);
	return d->takeover != NULL ? 0 : daemon_fail(d, "out of memory", "");
}

/* Mobile nodes that were registered are served again before anything comes in (RFC 6275, 10.1). */
static int take_storage(struct daemon *d)
{
	char error[ERROR_MAX] = "";

	d->events.many = true;
	if (storage_begin(d->storage, &d->stopped, error, sizeof(error)) != 0)
		return d->stopped ? -1 : daemon_fail(d, error, "");
	d->events.many = false;
	return 0;
}

static int daemon_start_loop(struct daemon *d)
{
	int err = 0;

	for (unsigned i = 0; err == 0 && i < d->n_polls; i++)
		err = uv_poll_start(&d->polls[i].handle, UV_READABLE, on_readable);
	if (err == 0)
		err = uv_prepare_start(&d->prepare, on_prepare);
	if (err == 0 && d->wake_fd >= 0)
		err = uv_poll_start(&d->wake, UV_READABLE, on_wake);
	if (err == 0 && d->cfg->dummy_interval_ms > 0)
		err = uv_timer_start(&d->dummy_timer, on_dummy_timer, d->cfg->dummy_interval_ms,
				     d->cfg->dummy_interval_ms);
	return err == 0 ? 0 : daemon_fail(d, "event loop", uv_strerror(err));
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static int init_handles(struct daemon *d)
{
	static const int signums[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
	const struct slept_clocks now = slept_clocks();
	int err = uv_loop_init(&d->loop);

	if (err != 0)
		return daemon_fail(d, "event loop", uv_strerror(err));
	slept_init(&d->slept, &now);
	(void)uv_prepare_init(&d->loop, &d->prepare);
	(void)uv_timer_init(&d->loop, &d->timer);
	(void)uv_timer_init(&d->loop, &d->sas_timer);
	(void)uv_timer_init(&d->loop, &d->dummy_timer);
	absence_init(&d->absence, &d->loop);
	d->prepare.data = d;
	d->dummy_timer.data = d;
	d->timer.data = d;
	d->sas_timer.data = d;
	d->wake_fd = slept_watch();
	if (d->wake_fd >= 0 && uv_poll_init(&d->loop, &d->wake, d->wake_fd) != 0) {
		(void)close(d->wake_fd);
		d->wake_fd = -1;
	}
	d->wake.data = d;
	for (int i = 0; i < SIGNALS; i++) {
		(void)uv_signal_init(&d->loop, &d->signals[i]);
		d->signals[i].data = d;
		/* From now on: a signal during the start waits for the loop, so that what was set
		 * up by then is taken back. */
		if (err == 0)
			err = uv_signal_start(&d->signals[i], daemon_on_signal, signums[i]);
	}
	if (err == 0)
		return 0;
	uv_walk(&d->loop, close_handle, NULL);
	(void)uv_run(&d->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&d->loop);
	return daemon_fail(d, "event loop", uv_strerror(err));
}

static void on_agent_found(void *ctx, const struct names_found *found)
{
	struct bub_event ev = {.type = BUB_EV_HOME_AGENT};
	struct daemon *d = ctx;

	ev.u.home_agent.home = found->home;
	ev.u.home_agent.address = found->address;
	ev.u.home_agent.ipv4 = found->ipv4;
	ev.u.home_agent.allowed = found->all;
	ev.u.home_agent.n_allowed = found->n;
	keyd_agent_found(d->keyd, &found->home, &found->ipv4);
	daemon_feed(d, &ev);
}

static int start_names(struct daemon *d)
{
	const struct names_host host = {.ctx = d, .found = on_agent_found};

	d->names = names_new(d->cfg, &d->log, &d->loop, &host, lnx_now());
	return d->names != NULL ? 0 : daemon_fail(d, "out of memory", "");
}

static int open_metrics(struct daemon *d)
{
	char error[ERROR_MAX] = "";

	if (d->cfg->metrics[0] == '\0')
		return 0;
	d->metrics =
		metrics_open(&d->loop, d->cfg->metrics, daemon_on_metrics, d, error, sizeof(error));
	return d->metrics != NULL ? 0 : daemon_fail(d, error, "");
}

/* What can fail for the operator's reasons comes first, what changes the system last. */
static int daemon_start(struct daemon *d)
{
	char error[ERROR_MAX] = "";
	struct clients clients;
	int err = 0;

	if (logs_open(&d->events, &d->key_log, d->cfg, &d->log) != 0 || assign_homes(d) != 0)
		return -1;
	d->control =
		control_open(&d->loop, d->cfg->control, daemon_on_request, d, error, sizeof(error));
	if (d->control == NULL)
		return daemon_fail(d, error, "");
	if (open_metrics(d) != 0)
		return -1;
	d->events.watch = (struct eventlog_watch){
		.wanted = daemon_is_watched, .line = daemon_publish, .ctx = d};
	d->sas = sas_new(d->cfg, d->key_log, lnx_now(), error, sizeof(error));
	if (d->sas == NULL)
		return daemon_fail(d, error, "");
	d->complaints.sas = d->sas;
	settings_warn(d->cfg, &d->log);
	if (open_storage(d) != 0 || daemon_start_handovers(d) != 0 || daemon_start_engine(d) != 0 ||
	    open_owners(d) != 0 || open_keyd(d) != 0)
		return -1;
	storage_keeps(d->storage, d->sas);
	clients = clients_of(d);
	(void)clients_serve(&clients, &d->cfg->engine.ha);
	if (sas_commit(d->sas, lnx_now(), error, sizeof(error)) != 0)
		return daemon_fail(d, error, "");
	wipe_secrets(d);
	if (daemon_start_lnx(d) != 0)
		return -1;
	err = privs_drop();
	if (err != 0)
		return daemon_fail(d, "cannot give up privileges", strerror(-err));
	if (start_names(d) != 0)
		return -1;
	eventlog_start(&d->events, BUB_VERSION);
	d->absence.events = &d->events;
	d->absence.engine = d->engine;
	d->absence.lnx = d->lnx;
	absence_watch(&d->absence);
	err = lnx_scan(d->lnx);
	if (err != 0)
		return daemon_fail(d, "cannot read the addresses of this node", strerror(-err));
	if (d->cfg->group != BUBD_GROUP_NONE)
		return daemon_start_loop(d) != 0 ? -1 : join_group(d);
	if (take_storage(d) != 0 || daemon_start_loop(d) != 0)
		return -1;
	keykernel_start(d->sas, d->lnx);
	keyd_start(d->keyd);
	return 0;
}

/* ---- Stop ---------------------------------------------------------------------------------- */

/* Takes everything back, in the order in which it depends on each other; also after half a start.
 */
static void daemon_stop(struct daemon *d)
{
	char error[ERROR_MAX] = "";

	d->events.watch = (struct eventlog_watch){0};
	names_close(d->names);
	control_close(d->control);
	metrics_close(d->metrics);
	keyd_close(d->keyd);
	owners_close(d->owners);
	takeover_close(d->takeover);
	storage_close(d->storage);
	uv_walk(&d->loop, close_handle, NULL);
	(void)uv_run(&d->loop, UV_RUN_DEFAULT);
	keykernel_stop(d->sas);
	lnx_close(d->lnx);
	keyd_free(d->keyd);
	owners_free(d->owners);
	bub_engine_free(d->engine);
	handovers_free(d->handovers);
	takeover_free(d->takeover);
	storage_free(d->storage);
	if (sas_free(d->sas, error, sizeof(error)) != 0)
		log_line(&d->log, LNX_LOG_WARNING, "%s", error);
	names_free(d->names);
	control_free(d->control);
	metrics_free(d->metrics);
	(void)uv_loop_close(&d->loop);
	if (d->wake_fd >= 0)
		(void)close(d->wake_fd);
	if (d->key_log != NULL)
		(void)fclose(d->key_log);
	eventlog_close(&d->events);
	reload_end(&d->reload);
}

int daemon_run(const char *config_path, struct bubd_config *cfg)
{
	struct daemon *d = calloc(1, sizeof(*d));
	int status = 1;

	if (d == NULL)
		return 1;
	d->config_path = config_path;
	d->cfg = cfg;
	d->log = (struct log){.level = cfg->log_level, .journal = log_is_journal()};
	d->discards.log = &d->log;
	d->complaints = (struct complaints){.events = &d->events};
	if (cfg->engine.ha.enabled)
		d->complaints.agent = cfg->engine.ha.address;
	d->events = (struct eventlog){.fd = -1, .node = cfg->node, .log = &d->log};
	(void)signal(SIGPIPE, SIG_IGN); /* a client of the control socket that leaves early */
	if (init_handles(d) == 0) {
		if (daemon_start(d) == 0) {
			/* To who started it (systemd.service(5), Type=notify); else it does
			 * nothing. */
			(void)sd_notify(0, "READY=1");
			(void)uv_run(&d->loop, UV_RUN_DEFAULT);
			(void)sd_notify(0, "STOPPING=1");
			status = d->status;
		} else if (d->stopped) {
			status = 0;
		}
		daemon_stop(d);
	}
	free(d);
	return status;
}
