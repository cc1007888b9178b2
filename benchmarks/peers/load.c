/* A crowd of WebSocket clients: they send commands, and count what each of them hears.

   load PORTS CLIENTS PATH HEADERS COMMAND WELCOME

   PORTS is one, or several with commas between them: clients are spread over them in turn. HEADERS
   are whole lines of the handshake, or nothing. COMMAND is what is sent; eight digits take the
   place of its ########. A client is there when a message has come that begins with WELCOME, or
   with the handshake if WELCOME is empty. A COMMAND that begins with 42 is one of socket.io.

   Then each line of standard input is answered by a line of JSON:

   closed COMMANDS IN_FLIGHT IN_TURN   the next command is sent when one has been heard by all;
                                       by the first client, or by each of them in turn
   open COMMANDS PER_SECOND            commands at a steady pace, by the first client
   again BACK PATH WELCOME             all are cut off, and come back at once, by another path:
                                       each hears the last BACK events once more

   Every event ends with its command's number, and each client must hear each number once and in
   order. Latency is from the moment a command was due to be sent. Pings are answered (RFC 6455,
   5.5.3). Commands are masked with zeros, which is a mask (5.3). */

#define _GNU_SOURCE
#include "clients.h"
#include <sys/resource.h>

/* Whether something has happened lately: `before` is what had happened then. */
static int goes_on(long *before, uint64_t *when) {
    long done = delivered + acks + here;
    if (done != *before) *before = done, *when = now();
    return now() - *when < SILENCE_SECONDS * 1000000000ULL;
}

static void all_come(int at_once) {
    long before = -1;
    uint64_t when = 0;
    for (int next = 0; (next < count || here < count || due > 0) && goes_on(&before, &when);) {
        while (next < count && next - here < at_once) come(next++);
        step(10000000);
    }
}

static void forget(void) {
    memset(bucket, 0, (slowest + 1) * sizeof *bucket);
    delivered = acks = wrong = gone = owns = slowest = 0;
}

static double percentile(double share) {
    long seen = 0, wanted = share * delivered;
    for (size_t i = 0; i <= slowest; i++)
        if ((seen += bucket[i]) > wanted) return i;
    return slowest;
}

static int by_size(const void *one, const void *other) {
    return (*(const uint32_t *)one > *(const uint32_t *)other) -
           (*(const uint32_t *)one < *(const uint32_t *)other);
}

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void report(uint64_t begin, double cpu_before) {
    double seconds = (now() - begin) / 1e9;
    qsort(own, owns, sizeof *own, by_size);
    printf("{\"here\": %ld, \"seconds\": %.6f, \"client_cpu\": %.6f, \"delivered\": %ld, "
           "\"acks\": %ld, \"lost\": %ld, \"wrong\": %ld, \"gone\": %ld, \"seq\": %ld, "
           "\"p50\": %.0f, \"p99\": %.0f, \"max\": %zu, \"own_p50\": %u, \"own_p99\": %u}\n",
           here, seconds, cpu() - cpu_before, delivered, acks, due, wrong, gone, seq,
           percentile(.5), percentile(.99), slowest, owns ? own[owns / 2] : 0,
           owns ? own[owns * 99 / 100] : 0);
    due = 0;
}

static void closed(unsigned commands, unsigned in_flight, int in_turn) {
    long before = -1;
    uint64_t when = 0;
    unsigned end = sent + commands, told = 0;
    while ((sent < end || due > 0 || acks < commands) && goes_on(&before, &when)) {
        if (due == 0 && acks == told) /* all have heard all, and the sender that it is done */
            for (unsigned i = 0; i < in_flight && sent < end; i++, told++)
                send_command(in_turn ? sent % count : 0, now());
        step(10000000);
    }
}

static void open_loop(unsigned commands, double per_second) {
    long before = -1;
    uint64_t begin = now(), when = begin;
    unsigned first = sent, end = sent + commands;
    while ((sent < end || due > 0 || acks < commands) && goes_on(&before, &when)) {
        uint64_t next = begin + (sent - first) * (1e9 / per_second), time = now();
        if (sent < end && next <= time) send_command(0, next);
        step(sent == end ? 10000000 : next > time ? next - time : 0);
    }
}

static void again(unsigned back) {
    for (int i = 0; i < count; i++) leave(&clients[i]), clients[i].next -= back;
    due = (long)back * count;
    all_come(count);
}

static void obey(char *line) {
    static char next_path[1024], next_welcome[1024];
    unsigned many, in_flight;
    int in_turn;
    double pace, used = cpu();
    uint64_t begin = now();
    forget();
    if (sscanf(line, "closed %u %u %d", &many, &in_flight, &in_turn) == 3) {
        closed(many, in_flight, in_turn);
    } else if (sscanf(line, "open %u %lf", &many, &pace) == 2) {
        open_loop(many, pace);
    } else if (sscanf(line, "again %u %1023s %1023s", &many, next_path, next_welcome) == 3) {
        path = next_path, welcome = next_welcome;
        again(many);
    } else {
        fail("what is '%s'?", line);
    }
    report(begin, used);
}

int main(int arguments, char **argument) {
    struct epoll_event asked = {EPOLLIN, {.ptr = NULL}};
    struct rlimit files;
    char line[4096];
    if (arguments != 7) fail("load PORTS CLIENTS PATH HEADERS COMMAND WELCOME");
    for (char *one = strtok(argument[1], ","); one; one = strtok(NULL, ",")) {
        if (port_count == MOST_PORTS) fail("more than %d ports", MOST_PORTS);
        ports[port_count++] = atoi(one);
    }
    count = atoi(argument[2]), path = argument[3];
    headers = argument[4], command = argument[5], welcome = argument[6];
    is_socketio = begins(command, strlen(command), "42");
    event = is_socketio ? "42[\"event\"" : "{\"type\":\"event\"";
    ack = is_socketio ? "42[\"ack\"" : "{\"type\":\"ack\"";
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setvbuf(stdout, NULL, _IOLBF, 0);
    clients = calloc(count, sizeof *clients);
    bucket = calloc(BUCKETS, sizeof *bucket);
    epoll = epoll_create1(0);
    double used = cpu();
    uint64_t begin = now();
    all_come(AT_ONCE);
    report(begin, used);
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &asked);
    for (;;) {
        if (!step(1000000000)) continue;
        ssize_t size = read(STDIN_FILENO, line, sizeof line - 1);
        if (size <= 0) return 0;
        line[size] = 0;
        obey(line);
    }
}
