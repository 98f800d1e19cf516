/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket without a daemon behind it: answers each line with the same line, in upper
 * case.  Who says "watch" watches from then on, and "publish N" publishes N lines.  test_control.py
 * talks to it.  usage: echo_control SOCKET
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"

static struct control *control;

static void publish(unsigned long n)
{
	static const char line[] =
		"{\"event\":\"one of many that are as long as an event mostly is\"}\n";

	for (unsigned long i = 0; i < n; i++)
		control_publish(control, line, sizeof(line) - 1);
}

static char *answer(void *ctx, const char *request, size_t len, bool *ret_watch)
{
	static const char word[] = "publish ";
	char *line = malloc(len + 2);

	(void)ctx;
	if (line == NULL)
		return NULL;
	*ret_watch = len == 5 && memcmp(request, "watch", 5) == 0;
	/* What follows the number is the end of the line. */
	if (len > sizeof(word) - 1 && memcmp(request, word, sizeof(word) - 1) == 0)
		publish(strtoul(request + sizeof(word) - 1, NULL, 10));
	for (size_t i = 0; i < len; i++)
		line[i] = (char)toupper((unsigned char)request[i]);
	memcpy(line + len, "\n", 2);
	return line;
}

static void on_signal(uv_signal_t *handle, int signum)
{
	(void)signum;
	uv_stop(handle->loop);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

int main(int argc, char **argv)
{
	char error[256] = "";
	uv_loop_t loop;
	uv_signal_t sig;

	if (argc != 2 || uv_loop_init(&loop) != 0)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	control = control_open(&loop, argv[1], answer, NULL, error, sizeof(error));
	if (control != NULL) {
		(void)uv_signal_init(&loop, &sig);
		(void)uv_signal_start(&sig, on_signal, SIGTERM);
		(void)puts("ready");
		(void)fflush(stdout);
		(void)uv_run(&loop, UV_RUN_DEFAULT);
	} else {
		(void)fprintf(stderr, "%s\n", error);
	}
	control_close(control);
	uv_walk(&loop, close_handle, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	control_free(control);
	return uv_loop_close(&loop) != 0 ? 3 : error[0] != '\0';
}
