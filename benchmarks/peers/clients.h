/* The clients of load.c: how they come, what they say, what they hear. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { MOST_PORTS = 16, LOCAL_PORTS = 20000, AT_ONCE = 200 };
enum { BATCH = 64, BUFFER = 1 << 20, KEPT = 1 << 20 };
enum { BUCKETS = 20 * 1000 * 1000, SILENCE_SECONDS = 30, DIGITS = 8 };
enum state { AWAY, CONNECTING, ASKING, GREETING, HERE };
enum opcode { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 };

struct client {
    int fd;
    enum state state;
    unsigned next; /* the number that it must hear next */
    char *rest;    /* the beginning of what has not come whole */
    size_t size;
};

static int ports[MOST_PORTS], port_count, count, epoll, is_socketio;
static const char *path, *headers, *command, *welcome, *event, *ack;
static struct client *clients;
static char buffer[BUFFER];

static unsigned sent; /* commands so far */
static uint64_t sent_at[KEPT], heard_at;
static int sender; /* the client that sent the last one */
static long due, delivered, acks, wrong, gone, here, seq;
static uint32_t *bucket; /* deliveries by their microseconds */
static uint32_t own[KEPT];
static size_t owns, slowest;

static void fail(const char *format, ...) {
    va_list values;
    va_start(values, format);
    printf("{\"fault\": \"");
    vprintf(format, values);
    printf("\"}\n");
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

static void put(struct client *client, const char *bytes, size_t size) {
    while (size) {
        ssize_t done = send(client->fd, bytes, size, MSG_NOSIGNAL);
        if (done < 0 && errno == EAGAIN) {
            struct pollfd full = {client->fd, POLLOUT, 0};
            if (poll(&full, 1, SILENCE_SECONDS * 1000) != 1) fail("the server reads no more");
        } else if (done < 0) {
            fail("sending: %s", strerror(errno));
        } else {
            bytes += done, size -= done;
        }
    }
}

static void say(struct client *client, enum opcode opcode, const char *text, size_t size) {
    char frame[4096] = {(char)(0x80 | opcode)};
    size_t head = size < 126 ? 6 : 8;
    if (head + size > sizeof frame) fail("a message of %zu bytes", size);
    frame[1] = (char)(0x80 | (size < 126 ? size : 126));
    if (size >= 126) frame[2] = (char)(size >> 8), frame[3] = (char)size;
    memcpy(frame + head, text, size);
    put(client, frame, head + size);
}

static void send_command(int by, uint64_t since) {
    char text[4096], digits[DIGITS + 1];
    snprintf(text, sizeof text, "%s", command);
    snprintf(digits, sizeof digits, "%08u", sent % 100000000);
    memcpy(strstr(text, "########"), digits, DIGITS);
    sent_at[sent++ % KEPT] = since;
    due += count;
    sender = by;
    say(&clients[by], TEXT, text, strlen(text));
}

static int begins(const char *text, size_t size, const char *with) {
    size_t length = strlen(with);
    return size >= length && !memcmp(text, with, length);
}

static void hear_event(struct client *client, const char *text, size_t size) {
    unsigned number = strtoul(text + size - DIGITS - (is_socketio ? 3 : 2), NULL, 10);
    size_t microseconds = (heard_at - sent_at[number % KEPT]) / 1000;
    wrong += number != client->next;
    client->next = number + 1;
    delivered++, due--;
    if (microseconds >= BUCKETS) microseconds = BUCKETS - 1;
    if (microseconds > slowest) slowest = microseconds;
    bucket[microseconds]++;
    if (client == &clients[sender] && owns < KEPT) own[owns++] = microseconds;
}

static void hear(struct client *client, const char *text, size_t size) {
    if (begins(text, size, event)) {
        hear_event(client, text, size);
    } else if (begins(text, size, ack)) {
        const char *position = memmem(text, size, "\"seq\":", 6);
        if (position) seq = atol(position + 6);
        acks++;
    } else if (is_socketio && size && *text == '0') {
        say(client, TEXT, "40", 2); /* into the main namespace */
    } else if (is_socketio && size == 1 && *text == '2') {
        say(client, TEXT, "3", 1);
    } else if (begins(text, size, "{\"type\":\"error\"")) {
        fprintf(stderr, "%.*s\n", (int)size, text);
        wrong++;
    }
    if (client->state == GREETING && begins(text, size, welcome)) client->state = HERE, here++;
}

static void leave(struct client *client) {
    here -= client->state == HERE;
    close(client->fd);
    free(client->rest);
    *client = (struct client){-1, AWAY, client->next, NULL, 0};
}

/* How many bytes of the answer to the handshake there are; nothing while it has not all come. */
static size_t take_answer(struct client *client, const char *data, size_t size) {
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return 0;
    if (!begins(data, size, "HTTP/1.1 101")) fail("the handshake was answered %.12s", data);
    client->state = *welcome ? GREETING : HERE;
    here += client->state == HERE;
    return end + 4 - data;
}

/* How many bytes of whole frames there are; a server does not mask (RFC 6455, 5.1). */
static size_t take_frames(struct client *client, const unsigned char *data, size_t size) {
    size_t at = 0;
    while (size - at >= 2) {
        size_t length = data[at + 1], begin = at + 2;
        if (length == 126) {
            if (size - at < 4) break;
            length = data[at + 2] << 8 | data[at + 3], begin = at + 4;
        }
        if (size - begin < length || size < begin) break;
        const char *text = (const char *)data + begin;
        enum opcode opcode = data[at] & 15;
        if (opcode == PING) say(client, PONG, text, length);
        if (opcode == TEXT) hear(client, text, length);
        at = begin + length;
    }
    return at;
}

static void take(struct client *client) {
    size_t size = client->size;
    memcpy(buffer, client->rest, size);
    ssize_t more = recv(client->fd, buffer + size, BUFFER - size, 0);
    if (more < 0 && errno == EAGAIN) return;
    if (more <= 0) {
        gone++;
        leave(client);
        return;
    }
    heard_at = now();
    size += more;
    size_t taken = client->state == ASKING ? take_answer(client, buffer, size) : 0;
    if (client->state > ASKING)
        taken += take_frames(client, (unsigned char *)buffer + taken, size - taken);
    if (client->size != size - taken) client->rest = realloc(client->rest, size - taken + 1);
    client->size = size - taken;
    memcpy(client->rest, buffer + taken, client->size);
}

static int port_of(const struct client *client) {
    return ports[(client - clients) % port_count];
}

static void ask(struct client *client) {
    char request[8192];
    int fault = 0;
    socklen_t length = sizeof fault;
    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &fault, &length);
    if (fault) fail("connecting: %s", strerror(fault));
    int size = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
        path, port_of(client), headers);
    client->state = ASKING;
    put(client, request, size);
    struct epoll_event readable = {EPOLLIN, {.ptr = client}};
    epoll_ctl(epoll, EPOLL_CTL_MOD, client->fd, &readable);
}

static void come(int number) {
    struct client *client = &clients[number];
    int yes = 1;
    struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number / LOCAL_PORTS); /* ports run out */
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK), to.sin_port = htons(port_of(client));
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (client->fd < 0) fail("a socket: %s", strerror(errno));
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (bind(client->fd, (void *)&from, sizeof from)) fail("binding: %s", strerror(errno));
    if (connect(client->fd, (void *)&to, sizeof to) && errno != EINPROGRESS)
        fail("connecting: %s", strerror(errno));
    client->state = CONNECTING;
    struct epoll_event writable = {EPOLLOUT, {.ptr = client}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &writable);
}

/* Do what there is to do, or wait for it; whether there is something on standard input. */
static int step(uint64_t nanoseconds) {
    struct epoll_event ready[BATCH];
    struct timespec wait = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    int many = epoll_pwait2(epoll, ready, BATCH, &wait, NULL), is_asked = 0;
    for (int i = 0; i < many; i++) {
        struct client *client = ready[i].data.ptr;
        if (!client) is_asked = 1;
        else if (client->state == CONNECTING) ask(client);
        else if (client->state != AWAY) take(client);
    }
    return is_asked;
}
