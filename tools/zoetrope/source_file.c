/* SPDX-License-Identifier: MIT */
/* Files that frames are read from. A pipe is made as large as it may be. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source_file.h"
#include "voice.h"

#define PIPE_BYTES (1 << 20)

int source_file_open(struct source_file *file, const char *path, char *reason)
{
	struct stat status;

	file->owned = strcmp(path, "-") != 0;
	file->name = file->owned ? path : "standard input";
	file->fd = file->owned ? open(path, O_RDONLY | O_CLOEXEC) :
				 STDIN_FILENO;
	if (file->fd < 0)
		return reason_set(reason, -errno, "%s", strerror(errno));
	if (!file->owned && isatty(file->fd))
		return reason_set(reason, -EINVAL, "it is a terminal; pipe "
				  "frames into this command, or name a file");
	if (fstat(file->fd, &status) == 0 && S_ISDIR(status.st_mode))
		return reason_set(reason, -EISDIR, "it is a directory");
	file->rewinds = lseek(file->fd, 0, SEEK_CUR) >= 0;
	fcntl(file->fd, F_SETPIPE_SZ, PIPE_BYTES);
	input_start(&file->input, input_from_fd, &file->fd);
	return 0;
}

int source_file_rewind(struct source_file *file, char *reason)
{
	if (lseek(file->fd, 0, SEEK_SET) < 0)
		return reason_set(reason, -errno, "cannot go back to its "
				  "start: %s", strerror(errno));
	input_start(&file->input, input_from_fd, &file->fd);
	return 0;
}

void source_file_close(struct source_file *file)
{
	if (file->owned && file->fd >= 0)
		close(file->fd);
}
