/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints status and counters in the OpenMetrics text format, for Prometheus and what reads its
 * format.  Owns the names of the metrics, which are an interface as those of --json are.
 *
 * Only gauges, counters and a histogram, though the format has more: what reads Prometheus' older
 * format, as its node exporter, refuses a page with a type that it does not know.
 */
#include <inttypes.h>
#include <string.h>

#include "openmetrics.h"

static void metric_head(FILE *out, const char *name, const char *type, const char *help)
{
	(void)fprintf(out, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

/* A label's value: a quote, a backslash and a new line are written as two characters. */
static void metric_label(FILE *out, char before, const char *label, const char *value)
{
	(void)fprintf(out, "%c%s=\"", before, label);
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			(void)fputc('\\', out);
		if (*value == '\n')
			(void)fputs("\\n", out);
		else
			(void)fputc(*value, out);
	}
	(void)fputc('"', out);
}

static void metric_value(FILE *out, json_int_t value)
{
	(void)fprintf(out, " %" JSON_INTEGER_FORMAT "\n", value);
}

static const char *metric_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static json_int_t metric_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* One metric with a label that names the counter: for groups that grow with every version. */
static void counters_by_label(FILE *out, json_t *group, const char *metric, const char *label,
			      const char *help)
{
	const char *name = NULL;
	json_t *v = NULL;

	metric_head(out, metric, "counter", help);
	json_object_foreach(group, name, v)
	{
		(void)fprintf(out, "%s_total", metric);
		metric_label(out, '{', label, name);
		(void)fputc('}', out);
		metric_value(out, json_integer_value(v));
	}
}

static const struct {
	const char *member;
	const char *metric;
	const char *help;
} engine_metrics[] = {
	{"handovers", "bub_handovers", "Changes of the care-of address."},
	{"bub-tests", "bub_tests", "BUB tests that were launched here."},
	{"bub-tests-failed", "bub_tests_failed", "BUB tests that failed."},
	{"dh-exchanges", "bub_dh_exchanges", "Diffie-Hellman exchanges that gave a key."},
	{"dh-failed", "bub_dh_exchanges_failed", "Diffie-Hellman exchanges that gave none."},
	{"tunnel-in", "bub_tunnel_in_packets", "Packets out of a tunnel with a home agent."},
	{"tunnel-out", "bub_tunnel_out_packets", "Packets into a tunnel with a home agent."},
};

static void print_engine(FILE *out, const json_t *engine)
{
	for (size_t i = 0; i < sizeof(engine_metrics) / sizeof(engine_metrics[0]); i++) {
		metric_head(out, engine_metrics[i].metric, "counter", engine_metrics[i].help);
		(void)fprintf(out, "%s_total", engine_metrics[i].metric);
		metric_value(out, metric_number(engine, engine_metrics[i].member));
	}
}

bool openmetrics_home_is_served(const json_t *home)
{
	const char *state = metric_text(home, "state");

	return strcmp(state, "registered") == 0 || strcmp(state, "at home") == 0;
}

static void print_home_metrics(FILE *out, const json_t *homes)
{
	const json_t *h = NULL;
	size_t i = 0;

	metric_head(out, "bub_home_served", "gauge",
		    "1 while the home address is at home or registered.");
	json_array_foreach(homes, i, h)
	{
		(void)fputs("bub_home_served", out);
		metric_label(out, '{', "address", metric_text(h, "address"));
		(void)fputc('}', out);
		metric_value(out, openmetrics_home_is_served(h));
	}
	metric_head(out, "bub_home_lifetime_seconds", "gauge",
		    "What is left of the registration with the home agent.");
	(void)fputs("# UNIT bub_home_lifetime_seconds seconds\n", out);
	json_array_foreach(homes, i, h)
	{
		(void)fputs("bub_home_lifetime_seconds", out);
		metric_label(out, '{', "address", metric_text(h, "address"));
		(void)fputc('}', out);
		metric_value(out, metric_number(h, "lifetime_s"));
	}
}

/* Agreed ones only: static keys have no age that means anything. */
static void print_key_metrics(FILE *out, const json_t *homes)
{
	const json_t *h = NULL;
	size_t i = 0;

	metric_head(out, "bub_home_keys_end_seconds", "gauge",
		    "Until the agreed keys of the home address end; 0: there are none.");
	(void)fputs("# UNIT bub_home_keys_end_seconds seconds\n", out);
	json_array_foreach(homes, i, h)
	{
		const json_t *keys = json_object_get(h, "keys");

		if (strcmp(metric_text(keys, "kind"), "agreed") != 0)
			continue;
		(void)fputs("bub_home_keys_end_seconds", out);
		metric_label(out, '{', "address", metric_text(h, "address"));
		(void)fputc('}', out);
		metric_value(out, metric_number(keys, "ends_in_s"));
	}
}

/* Of peers under Kabm: others tell nothing of it. */
static void print_direct_paths(FILE *out, const json_t *peers)
{
	static const char *const states[] = {"open", "doubted", "udp", "filtered", "broken"};
	const json_t *p = NULL;
	size_t i = 0;

	metric_head(out, "bub_peer_direct_path", "gauge",
		    "1 at what is known of the direct path to a peer in BUB mode.");
	json_array_foreach(peers, i, p)
	{
		if (metric_text(p, "direct_path")[0] == '\0')
			continue;
		for (size_t s = 0; s < sizeof(states) / sizeof(states[0]); s++) {
			(void)fputs("bub_peer_direct_path", out);
			metric_label(out, '{', "local", metric_text(p, "local"));
			metric_label(out, ',', "peer", metric_text(p, "peer"));
			metric_label(out, ',', "state", states[s]);
			(void)fputc('}', out);
			metric_value(out, strcmp(metric_text(p, "direct_path"), states[s]) == 0);
		}
	}
}

static void print_peer_metrics(FILE *out, const json_t *peers)
{
	static const char *const modes[] = {"plain", "tunnel", "ro", "bub"};
	const json_t *p = NULL;
	size_t i = 0;

	metric_head(out, "bub_peer_mode", "gauge", "1 at the way that data to the peer takes.");
	json_array_foreach(peers, i, p)
	{
		for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
			(void)fputs("bub_peer_mode", out);
			metric_label(out, '{', "local", metric_text(p, "local"));
			metric_label(out, ',', "peer", metric_text(p, "peer"));
			metric_label(out, ',', "mode", modes[m]);
			(void)fputc('}', out);
			metric_value(out, strcmp(metric_text(p, "mode"), modes[m]) == 0);
		}
	}
	print_direct_paths(out, peers);
	metric_head(out, "bub_peer_handovers", "counter",
		    "Changes of the care-of address that the peer was told of.");
	json_array_foreach(peers, i, p)
	{
		(void)fputs("bub_peer_handovers_total", out);
		metric_label(out, '{', "local", metric_text(p, "local"));
		metric_label(out, ',', "peer", metric_text(p, "peer"));
		(void)fputc('}', out);
		metric_value(out, metric_number(p, "handovers"));
	}
}

static void metric_pair(FILE *out, const json_t *p)
{
	metric_label(out, '{', "local", metric_text(p, "local"));
	metric_label(out, ',', "peer", metric_text(p, "peer"));
}

/* Data of each peer, by the way that it takes and its direction. */
static void print_traffic(FILE *out, const json_t *peers)
{
	static const struct {
		const char *metric, *help, *unit;
		const char *member[2]; /* in, out */
	} metrics[] = {
		{"bub_peer_packets", "Data with the peer.", NULL, {"packets_in", "packets_out"}},
		{"bub_peer_bytes",
		 "Data with the peer, without the headers of the direct path.",
		 "bytes",
		 {"octets_in", "octets_out"}},
	};
	static const char *const ways[] = {"direct", "tunnel"}, *const directions[] = {"in", "out"};
	const json_t *p = NULL;
	size_t i = 0;

	for (size_t m = 0; m < 2; m++) {
		metric_head(out, metrics[m].metric, "counter", metrics[m].help);
		if (metrics[m].unit != NULL)
			(void)fprintf(out, "# UNIT %s %s\n", metrics[m].metric, metrics[m].unit);
		json_array_foreach(peers, i, p)
		{
			for (size_t n = 0; n < 4; n++) {
				const json_t *way = json_object_get(p, ways[n / 2]);

				if (!json_is_object(way))
					continue;
				(void)fprintf(out, "%s_total", metrics[m].metric);
				metric_pair(out, p);
				metric_label(out, ',', "path", ways[n / 2]);
				metric_label(out, ',', "direction", directions[n % 2]);
				(void)fputc('}', out);
				metric_value(out, metric_number(way, metrics[m].member[n % 2]));
			}
		}
	}
}

/* In the format's canonical numbers, which have a point. */
static void print_seconds(char *ret, size_t cap, double seconds)
{
	const int n = snprintf(ret, cap, "%g", seconds);

	if (n > 0 && (size_t)n < cap && strchr(ret, '.') == NULL)
		(void)snprintf(ret + n, cap - (size_t)n, ".0");
}

static void print_gap_line(FILE *out, const char *suffix, const char *mode, const char *le)
{
	(void)fprintf(out, "bub_handover_gap_seconds%s", suffix);
	metric_label(out, '{', "mode", mode);
	if (le != NULL)
		metric_label(out, ',', "le", le);
	(void)fputc('}', out);
}

/* Of all handovers since the start whose gap is known. */
static void print_gaps(FILE *out, json_t *gaps)
{
	const char *mode = NULL;
	json_t *g = NULL;

	metric_head(out, "bub_handover_gap_seconds", "histogram",
		    "How long the data of a peer was silent round a handover.");
	(void)fputs("# UNIT bub_handover_gap_seconds seconds\n", out);
	json_object_foreach(gaps, mode, g)
	{
		const json_t *b = NULL;
		json_int_t n = 0;
		char le[32];
		size_t i = 0;

		json_array_foreach(json_object_get(g, "buckets"), i, b)
		{
			const json_t *below = json_object_get(b, "below_ms");

			n += metric_number(b, "n");
			print_seconds(le, sizeof(le), (double)json_integer_value(below) / 1000);
			print_gap_line(out, "_bucket", mode, json_is_integer(below) ? le : "+Inf");
			metric_value(out, n);
		}
		print_gap_line(out, "_count", mode, NULL);
		metric_value(out, n);
		print_gap_line(out, "_sum", mode, NULL);
		(void)fprintf(out, " %.6f\n", (double)metric_number(g, "sum_us") / 1e6);
	}
}

/* Not one a mobile node: a home agent has many, and each would be a time series for ever. */
static void print_client_metrics(FILE *out, const json_t *served)
{
	metric_head(out, "bub_clients", "gauge", "Mobile nodes that this home agent serves.");
	(void)fputs("bub_clients", out);
	metric_value(out, metric_number(served, "all"));
	metric_head(out, "bub_clients_registered", "gauge", "Those of them that are registered.");
	(void)fputs("bub_clients_registered", out);
	metric_value(out, metric_number(served, "registered"));
}

void openmetrics_print(FILE *out, const json_t *reply)
{
	const json_t *counters = json_object_get(reply, "counters");

	metric_head(out, "bub_node_info", "gauge", "The name in bubd's configuration.");
	(void)fputs("bub_node_info", out);
	metric_label(out, '{', "node", metric_text(reply, "node"));
	(void)fputs("} 1\n", out);
	print_home_metrics(out, json_object_get(reply, "homes"));
	print_key_metrics(out, json_object_get(reply, "homes"));
	print_peer_metrics(out, json_object_get(reply, "peers"));
	print_traffic(out, json_object_get(reply, "peers"));
	print_gaps(out, json_object_get(reply, "handover_gaps"));
	print_client_metrics(out, json_object_get(reply, "served"));
	print_engine(out, json_object_get(counters, "engine"));
	counters_by_label(out, json_object_get(counters, "sent"), "bub_messages_sent", "message",
			  "Mobility messages that were sent.");
	counters_by_label(out, json_object_get(counters, "received"), "bub_messages_received",
			  "message", "Mobility messages that were received.");
	counters_by_label(out, json_object_get(counters, "data"), "bub_data_path", "counter",
			  "Counters of data path and ESP; bubctl(8) says what each counts.");
	counters_by_label(out, json_object_get(counters, "drops"), "bub_dropped", "reason",
			  "What the protocol discarded.");
	counters_by_label(out, json_object_get(counters, "keys"), "bub_keys", "result",
			  "Agreements of keys with a home agent or a mobile node.");
	(void)fputs("# EOF\n", out);
}
