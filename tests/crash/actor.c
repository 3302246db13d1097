/* SPDX-License-Identifier: MIT */
/* Actors, as the driver has them: see actor.h. Theirs is part.c. */
#include "actor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "part.h"

#define OWN_FD 3

struct actor actor_spawn(void)
{
	struct actor actor = { 0 };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		perror("socketpair");
		exit(2);
	}
	fflush(NULL);
	actor.pid = fork();
	if (actor.pid < 0) {
		perror("fork");
		exit(2);
	}
	if (actor.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ends[1] != OWN_FD)
			dup2(ends[1], OWN_FD);
		close_range(OWN_FD + 1, ~0U, 0);
		part_play(OWN_FD);
	}
	close(ends[1]);
	actor.fd = ends[0];
	return actor;
}

void actor_order(struct actor *actor, const struct order *order)
{
	actor->busy = send(actor->fd, order, sizeof(*order), MSG_NOSIGNAL) ==
		      sizeof(*order);
}

bool actor_answer(struct actor *actor, int timeout_ms, struct answer *ret)
{
	if (!actor->busy || !harness_wait_readable(actor->fd, timeout_ms))
		return false;
	actor->busy = false;
	return recv(actor->fd, ret, sizeof(*ret), 0) == sizeof(*ret);
}

void actor_end(struct actor *actor)
{
	if (!actor->pid)
		return;
	kill(actor->pid, SIGKILL);
	while (waitpid(actor->pid, NULL, __WALL) < 0 && errno == EINTR)
		continue;
	close(actor->fd);
	*actor = (struct actor){ 0 };
}

unsigned int actor_descriptors(const struct actor *actor)
{
	struct dirent *entry;
	unsigned int n = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)actor->pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		n += isdigit((unsigned char)entry->d_name[0]) != 0;
	if (dir)
		closedir(dir);
	return n;
}

unsigned int actor_mappings(const struct actor *actor)
{
	char path[64], *line = NULL;
	unsigned int n = 0;
	size_t room = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)actor->pid);
	file = fopen(path, "re");
	while (file && getline(&line, &room, file) > 0)
		n += strstr(line, "/memfd:") != NULL;
	free(line);
	if (file)
		fclose(file);
	return n;
}
