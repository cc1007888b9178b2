/* The floor: what the system calls cost. The frame is ready, and each client gets it by one send.

   floor PORT each|together

   With `together` the events of one turn of the loop are joined, and leave in one send. The client
   masks with zeros and always sends the same key, so that there is nothing to compute. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BATCH = 64, MOST = 100000, BUFFER = 1 << 16, DIGITS = 8, BACKLOG = 4096 };

static const char ANSWER[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static const char EVENT[] =
    "{\"type\":\"event\",\"action\":{\"InventoryUpdated\":{\"product_id\":"
    "\"a-product-with-a-name-that-is-as-long-as-a-name-may-well-be-00000\",\"available\":1}},"
    "\"seq\":00000000,\"cause\":\"c-00000000\"}";
static const char ACK[] = "{\"type\":\"ack\",\"id\":\"c-00000000\",\"seq\":00000000}";

static int clients[MOST], count, epoll, is_joined;
static char joined[BUFFER], acked[BUFFER];
static size_t joined_size, acked_size;
static unsigned seq;

static void put(int fd, const char *bytes, size_t size) {
    while (size) {
        ssize_t done = send(fd, bytes, size, MSG_NOSIGNAL);
        if (done < 0 && errno == EAGAIN) {
            struct pollfd full = {fd, POLLOUT, 0};
            poll(&full, 1, -1);
        } else if (done < 0) {
            return; /* it has gone; the loop hears of it */
        } else {
            bytes += done, size -= done;
        }
    }
}

static size_t frame(char *to, const char *text, size_t size) {
    size_t head = size < 126 ? 2 : 4;
    to[0] = (char)0x81;
    to[1] = (char)(size < 126 ? size : 126);
    if (head == 4) to[2] = (char)(size >> 8), to[3] = (char)size;
    memcpy(to + head, text, size);
    return head + size;
}

static void flush(int speaker) {
    for (int i = 0; i < count; i++) put(clients[i], joined, joined_size);
    put(speaker, acked, acked_size);
    joined_size = acked_size = 0;
}

/* A command ends with its number, and so does its event. */
static void decide(int speaker, const char *command, size_t size) {
    const char *number = command + size - DIGITS - 2;
    char digits[DIGITS + 1];
    snprintf(digits, sizeof digits, "%08u", ++seq % 100000000);
    if (joined_size + sizeof EVENT + 4 > BUFFER) flush(speaker);
    char *event = joined + joined_size, *ack = acked + acked_size;
    joined_size += frame(event, EVENT, sizeof EVENT - 1);
    memcpy(memmem(event, sizeof EVENT + 4, "\"seq\":", 6) + 6, digits, DIGITS);
    memcpy(joined + joined_size - DIGITS - 2, number, DIGITS);
    acked_size += frame(ack, ACK, sizeof ACK - 1);
    memcpy(acked + acked_size - DIGITS - 1, digits, DIGITS);
    memcpy(memmem(ack, sizeof ACK + 2, "c-", 2) + 2, number, DIGITS);
    if (!is_joined) flush(speaker);
}

static void leave(int fd) {
    for (int i = 0; i < count; i++)
        if (clients[i] == fd) clients[i] = clients[--count];
    close(fd);
}

static void take(int fd) {
    static unsigned char data[BUFFER];
    ssize_t size = recv(fd, data, BUFFER, 0);
    if (size <= 0) {
        if (size == 0 || errno != EAGAIN) leave(fd);
        return;
    }
    if (*data == 'G') { /* a whole request: the client sends it at once */
        put(fd, ANSWER, sizeof ANSWER - 1);
        clients[count++] = fd;
        return;
    }
    for (ssize_t at = 0; at + 6 <= size;) {
        size_t length = data[at + 1] & 127, head = length == 126 ? 8 : 6;
        if (length == 126) length = data[at + 2] << 8 | data[at + 3];
        if ((data[at] & 15) == 1) decide(fd, (char *)data + at + head, length);
        at += head + length;
    }
    if (is_joined) flush(fd);
}

static void watch(int fd) {
    struct epoll_event readable = {EPOLLIN, {.fd = fd}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &readable);
}

static void welcome(int listener) {
    int yes = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        watch(fd);
    }
}

int main(int arguments, char **argument) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(atoi(argument[1]))};
    struct rlimit files;
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    is_joined = arguments > 2 && !strcmp(argument[2], "together");
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (void *)&here, sizeof here) || listen(listener, BACKLOG)) return 1;
    epoll = epoll_create1(0);
    watch(listener);
    for (;;) {
        struct epoll_event ready[BATCH];
        int many = epoll_wait(epoll, ready, BATCH, -1);
        for (int i = 0; i < many; i++) {
            if (ready[i].data.fd == listener) welcome(listener);
            else take(ready[i].data.fd);
        }
    }
}
