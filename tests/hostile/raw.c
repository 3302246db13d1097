/* SPDX-License-Identifier: MIT */
/* See raw.h. */
#include "raw.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FDS_MAX 4

int raw_connect(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);

	if (fd < 0)
		return -errno;
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s.sock",
		     getenv("ZOETROPE_DIR"), name) >=
	    (int)sizeof(address.sun_path))
		fail_msg("the runtime directory's path is too long");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

int raw_send(int socket, const void *data, size_t size, const int *fds,
	     unsigned int fd_count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(253 * sizeof(int))];
	} control = { 0 };
	struct iovec vector = { .iov_base = (void *)(uintptr_t)data,
				.iov_len = size };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

	if (fd_count) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
	}
	if (sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

struct zti_message raw_message(unsigned int type)
{
	struct zti_message msg;

	memset(&msg, 0, sizeof(msg));
	msg.magic = ZTI_MESSAGE_MAGIC;
	msg.version = ZTI_LAYOUT_VERSION;
	msg.type = (uint16_t)type;
	return msg;
}

struct zti_message raw_hello(uint32_t delivery, uint32_t bound)
{
	struct zti_message msg = raw_message(ZTI_HELLO);

	msg.hello.role = ZTI_ROLE_SUBSCRIBER;
	msg.hello.delivery = delivery;
	msg.hello.bound = bound;
	return msg;
}

struct zti_message raw_ack(uint32_t segment, bool retire)
{
	struct zti_message msg = raw_message(ZTI_ACK);

	msg.segment.segment = segment;
	msg.segment.retire = retire;
	return msg;
}

void raw_say(struct raw *raw, const struct zti_message *msg)
{
	int r = raw_send(raw->socket, msg, sizeof(*msg), NULL, 0);

	if (r == -EPIPE || r == -ECONNRESET)
		raw->ended = true;
	else if (r < 0)
		fail_msg("cannot send a message: %s", strerror(-r));
}

void raw_open(struct raw *raw, const char *name)
{
	memset(raw, 0, sizeof(*raw));
	raw->board_fd = raw->page_fd = -1;
	raw->socket = raw_connect(name);
	if (raw->socket < 0)
		fail_msg("cannot connect to %s: %s", name,
			 strerror(-raw->socket));
}

static void *map(int fd, size_t size, int protection)
{
	void *address = mmap(NULL, size, protection, MAP_SHARED, fd, 0);

	if (address == MAP_FAILED)
		fail_msg("cannot map what the publisher sent: %m");
	return address;
}

static void drop_segment(struct raw *raw, uint32_t id)
{
	if (!raw->segments[id].address)
		return;
	munmap((void *)(uintptr_t)raw->segments[id].address,
	       raw->segments[id].size);
	close(raw->segments[id].fd);
	raw->segments[id].address = NULL;
}

static void take_in(struct raw *raw, const struct zti_message *msg,
		    const int *fds, unsigned int count)
{
	uint32_t id = msg->segment.segment;

	switch (msg->type) {
	case ZTI_WELCOME:
		assert_in_range(count, 1, 2);
		raw->board_fd = fds[0];
		raw->board = map(fds[0], sizeof(*raw->board), PROT_READ);
		if (count == 1)
			break;
		raw->page_fd = fds[1];
		raw->page = map(fds[1], ZTI_PAGE_SIZE, PROT_READ | PROT_WRITE);
		break;
	case ZTI_SEGMENT:
		assert_int_equal(count, 1);
		assert_true(id < ZTI_SEGMENTS_MAX);
		/* who acknowledges what it still has is sent another */
		drop_segment(raw, id);
		raw->segments[id].fd = fds[0];
		raw->segments[id].size = msg->segment.size;
		raw->segments[id].address = map(fds[0], msg->segment.size,
						PROT_READ);
		break;
	case ZTI_START:
		raw->first = msg->start.first;
		break;
	case ZTI_REFUSED:
		raw->refused = msg->refusal.error;
		memcpy(raw->reason, msg->refusal.text, sizeof(raw->reason));
		break;
	case ZTI_EVICTED:
		raw->evicted = true;
		break;
	default:
		assert_int_equal(count, 0);
	}
}

/* recvmsg(), with its fds. */
static ssize_t receive(int socket, struct zti_message *msg, int *fds,
		       unsigned int *ret_count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec vector = { .iov_base = msg, .iov_len = sizeof(*msg) };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	*ret_count = 0;
	if (n <= 0)
		return n < 0 ? -errno : -EPIPE;
	assert_int_equal(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC), 0);
	if (rights) {
		*ret_count = (unsigned int)((rights->cmsg_len - CMSG_LEN(0)) /
					    sizeof(int));
		memcpy(fds, CMSG_DATA(rights), *ret_count * sizeof(int));
	}
	return n;
}

int raw_hear(struct raw *raw, struct zti_message *ret)
{
	unsigned int count;
	int fds[FDS_MAX];
	ssize_t n = receive(raw->socket, ret, fds, &count);

	/* What it had said before is still to be heard. */
	if (n == -ECONNRESET)
		n = receive(raw->socket, ret, fds, &count);
	if (n == -EPIPE || n == -ECONNRESET) {
		raw->ended = true;
		return -EPIPE;
	}
	if (n < 0)
		return (int)n;
	if (n == 1) {
		memset(ret, 0, sizeof(*ret));
		return 0;
	}
	assert_int_equal(n, sizeof(*ret));
	assert_int_equal(ret->magic, ZTI_MESSAGE_MAGIC);
	assert_int_equal(ret->version, ZTI_LAYOUT_VERSION);
	take_in(raw, ret, fds, count);
	return ret->type;
}

int raw_await(struct raw *raw, struct zti_message *ret)
{
	if (!harness_wait_readable(raw->socket, 2 * HARNESS_PATIENCE))
		fail_msg("the publisher says nothing");
	return raw_hear(raw, ret);
}

void raw_answer(struct raw *raw, const struct zti_message *msg)
{
	bool retire = msg->type == ZTI_RETIRE;
	uint32_t id = msg->segment.segment;
	struct zti_message ack;

	if (msg->type == ZTI_WELCOME && raw->page)
		id = ZTI_ACK_PAGE;
	else if (msg->type != ZTI_SEGMENT && !retire)
		return;
	if (retire)
		drop_segment(raw, id);
	ack = raw_ack(id, retire);
	raw_say(raw, &ack);
}

void raw_keep_up(struct raw *raw)
{
	struct zti_message msg;

	while (raw_hear(raw, &msg) >= 0)
		raw_answer(raw, &msg);
}

bool raw_join(struct raw *raw, const char *name, uint32_t delivery,
	      uint32_t bound)
{
	struct zti_message msg = raw_hello(delivery, bound);

	raw_open(raw, name);
	raw_say(raw, &msg);
	while (!raw->first) {
		if (raw_await(raw, &msg) == -EPIPE)
			return false;
		raw_answer(raw, &msg);
	}
	return true;
}

void raw_await_end(struct raw *raw)
{
	struct zti_message msg;

	while (raw_await(raw, &msg) != -EPIPE)
		continue;
}

uint64_t raw_take_all(struct raw *raw)
{
	return atomic_exchange(&raw->page->offered.word, 0);
}

void raw_return(struct raw *raw, uint64_t slots)
{
	atomic_fetch_or(&raw->page->returned.word, slots);
	if (atomic_load(&raw->board->waiting.word))
		raw_send(raw->socket, "", 1, NULL, 0);
}

void raw_close(struct raw *raw)
{
	if (raw->board)
		munmap((void *)(uintptr_t)raw->board, sizeof(*raw->board));
	if (raw->page)
		munmap(raw->page, ZTI_PAGE_SIZE);
	for (uint32_t i = 0; i < ZTI_SEGMENTS_MAX; i++)
		drop_segment(raw, i);
	if (raw->board_fd >= 0)
		close(raw->board_fd);
	if (raw->page_fd >= 0)
		close(raw->page_fd);
	if (raw->socket >= 0)
		close(raw->socket);
	memset(raw, 0, sizeof(*raw));
	raw->socket = raw->board_fd = raw->page_fd = -1;
}
