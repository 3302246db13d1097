/* SPDX-License-Identifier: MIT */
/* Files that frames are written to. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "sink_file.h"
#include "voice.h"

#define PIPE_BYTES (1 << 20)

int sink_file_open(struct sink_file *file, const char *path, char *reason)
{
	file->owned = strcmp(path, "-") != 0;
	file->name = file->owned ? path : "standard output";
	file->fd = file->owned ?
			   open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				0666) :
			   STDOUT_FILENO;
	if (file->fd < 0)
		return reason_set(reason, -errno, "%.120s: %s", path,
				  strerror(errno));
	if (!file->owned && isatty(file->fd))
		return reason_set(reason, -EINVAL,
				  "frames do not go to a terminal; pipe this "
				  "command into a program, or name a file");
	fcntl(file->fd, F_SETPIPE_SZ, PIPE_BYTES);
	output_start(&file->output, file->fd);
	return 0;
}

int sink_file_failed(const struct sink_file *file, int error, char *reason)
{
	if (error == -EPIPE)
		return reason_set(reason, error, "%.120s: its reader is gone",
				  file->name);
	return reason_set(reason, error, "%.120s: %s, after %" PRIu64 " bytes",
			  file->name, strerror(-error), file->output.written);
}

int sink_file_finish(struct sink_file *file, char *reason)
{
	int error = file->owned && close(file->fd) ? -errno : 0;

	file->fd = -1;
	return error ? sink_file_failed(file, error, reason) : 0;
}

void sink_file_close(struct sink_file *file)
{
	if (file->owned && file->fd >= 0)
		close(file->fd);
}
