// The datagram floor of this machine: what one thread of C pays, in CPU
// nanoseconds, to send one UDP datagram over loopback and to receive it.
//
// One thread sends a batch from one socket to another with sendmmsg and drains
// it with recvmmsg, as BenchmarkSelf of the Go transports does. With -g a batch
// is one UDP_SEGMENT send that UDP_GRO hands over whole.
//
//	floor [-s bytes] [-b batch] [-t seconds] [-g]
//
// prints: size=64 batch=32 gso=0 datagrams=301234 lost=0 cpu-ns=1712.3 wall-ns=1718.9
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { BATCH_MAX = 64, SLOT = 2048, GSO_MAX = 65507, EMPTY_READS_MAX = 1000 };

static void die(const char *what) {
	perror(what);
	exit(1);
}

static double seconds(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int bound_socket(struct sockaddr_in *addr) {
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) die("socket");
	int buffer = 4 << 20;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	memset(addr, 0, sizeof *addr);
	addr->sin_family = AF_INET;
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)addr, sizeof *addr) < 0) die("bind");
	socklen_t len = sizeof *addr;
	if (getsockname(fd, (struct sockaddr *)addr, &len) < 0) die("getsockname");
	return fd;
}

static char out_bytes[BATCH_MAX][SLOT], in_bytes[BATCH_MAX][SLOT], wide[2][1 << 16];
static struct iovec out_iov[BATCH_MAX], in_iov[BATCH_MAX];
static struct mmsghdr out[BATCH_MAX], in[BATCH_MAX];
static struct sockaddr_in in_addr[BATCH_MAX];
static int from_fd, to_fd;
static struct sockaddr_in to_addr;

// prepare points every header at its slot, once.
static void prepare(int size, int batch) {
	for (int i = 0; i < batch; i++) {
		memset(out_bytes[i], i, SLOT);
		out_iov[i] = (struct iovec){out_bytes[i], (size_t)size};
		out[i].msg_hdr = (struct msghdr){.msg_name = &to_addr, .msg_namelen = sizeof to_addr, .msg_iov = &out_iov[i], .msg_iovlen = 1};
		in_iov[i] = (struct iovec){in_bytes[i], SLOT};
		in[i].msg_hdr = (struct msghdr){.msg_name = &in_addr[i], .msg_namelen = sizeof in_addr[i], .msg_iov = &in_iov[i], .msg_iovlen = 1};
	}
}

// round_mmsg sends a batch and drains it; it returns how many came back.
static int round_mmsg(int batch) {
	for (int sent = 0; sent < batch;) {
		int n = sendmmsg(from_fd, out + sent, (unsigned)(batch - sent), 0);
		if (n < 0 && errno != EAGAIN) die("sendmmsg");
		if (n > 0) sent += n;
	}
	int got = 0;
	for (int empty = 0; got < batch && empty < EMPTY_READS_MAX;) {
		for (int i = 0; i < batch - got; i++) in[i].msg_hdr.msg_namelen = sizeof in_addr[i];
		int n = recvmmsg(to_fd, in, (unsigned)(batch - got), MSG_DONTWAIT, NULL);
		if (n < 0 && errno != EAGAIN) die("recvmmsg");
		if (n > 0) got += n;
		else empty++;
	}
	return got;
}

// round_gso does the same with one segmented send.
static int round_gso(int size, int batch) {
	union {
		char bytes[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {wide[0], (size_t)(size * batch)};
	struct msghdr m = {.msg_name = &to_addr, .msg_namelen = sizeof to_addr, .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
	uint16_t segment = (uint16_t)size;
	memcpy(CMSG_DATA(c), &segment, sizeof segment);
	while (sendmsg(from_fd, &m, 0) < 0)
		if (errno != EAGAIN) die("sendmsg with UDP_SEGMENT");

	int got = 0;
	for (int empty = 0; got < batch && empty < EMPTY_READS_MAX;) {
		struct sockaddr_in addr;
		char more[CMSG_SPACE(sizeof(int))];
		struct iovec in1 = {wide[1], sizeof wide[1]};
		struct msghdr r = {.msg_name = &addr, .msg_namelen = sizeof addr, .msg_iov = &in1, .msg_iovlen = 1,
			.msg_control = more, .msg_controllen = sizeof more};
		ssize_t n = recvmsg(to_fd, &r, MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN) die("recvmsg");
		if (n > 0) got += (int)((n + size - 1) / size);
		else empty++;
	}
	return got;
}

int main(int argc, char **argv) {
	int size = 64, batch = 32, gso = 0, option;
	double length = 0.4;
	while ((option = getopt(argc, argv, "s:b:t:g")) != -1) {
		switch (option) {
		case 's': size = atoi(optarg); break;
		case 'b': batch = atoi(optarg); break;
		case 't': length = atof(optarg); break;
		case 'g': gso = 1; break;
		default: return 2;
		}
	}
	if (size < 1 || size > SLOT || batch < 1 || batch > BATCH_MAX || (gso && size * batch > GSO_MAX)) {
		fprintf(stderr, "floor: 1 <= size <= %d, 1 <= batch <= %d, with -g size*batch <= %d\n", SLOT, BATCH_MAX, GSO_MAX);
		return 2;
	}
	struct sockaddr_in from_addr;
	from_fd = bound_socket(&from_addr);
	to_fd = bound_socket(&to_addr);
	int on = 1;
	if (gso && setsockopt(to_fd, SOL_UDP, UDP_GRO, &on, sizeof on) < 0) die("UDP_GRO");
	prepare(size, batch);

	double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), start = seconds(CLOCK_MONOTONIC), now = start;
	long sent = 0, got = 0;
	for (long round = 0; now - start < length; round++) {
		got += gso ? round_gso(size, batch) : round_mmsg(batch);
		sent += batch;
		if (round % 16 == 0) now = seconds(CLOCK_MONOTONIC);
	}
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	now = seconds(CLOCK_MONOTONIC);
	if (got == 0) {
		fprintf(stderr, "floor: nothing arrived\n");
		return 1;
	}
	printf("size=%d batch=%d gso=%d datagrams=%ld lost=%ld cpu-ns=%.1f wall-ns=%.1f\n",
		size, batch, gso, got, sent - got, cpu * 1e9 / (double)got, (now - start) * 1e9 / (double)got);
	return 0;
}
