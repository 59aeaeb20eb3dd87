/* Many players in one process that cost as little as players can.
 *
 *   players HOST PORT COUNT TRANSPORT MODE PATH CAMERAS SECONDS [FILE]
 *
 * TRANSPORT  tcp, udp: a whole RTSP conversation for one video track.
 *            tls: the same as tcp inside TLS, where it was compiled with it (-DWITH_TLS); whoever
 *            need not parse does not decrypt either, and its bytes are those of the records.
 *            raw-tcp, raw-tls, raw-udp: no RTSP; for raw-udp the port is told over the TCP
 *            connection.
 * MODE       count: bytes of all players; the kernel throws the data of TCP players away
 *              (MSG_TRUNC), player 0 is the witness, who reads all of its packets.
 *            stamp: every player reads all of its packets and notes when the kernel got the last
 *              byte of each picture, and the last 8 bytes of it.
 *            stall: nobody reads.
 * PATH       as printf's format of one number, the player's camera: 0 to CAMERAS - 1.
 * SECONDS    deadline of the whole process.
 * FILE       where mode stamp leaves its records: u32 player, u32 0, u64 nanoseconds since 1970,
 *              8 bytes.
 *
 * Prints "ready" when all play. Each line on standard input is answered with one line of JSON;
 * "quit" or the end of input ends it: then FILE is whole and "done" printed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/ssl.h>
#else
typedef void SSL;
#endif

enum { TAIL = 8, ROOM = 1 << 19, DISCARD = 1 << 20, BATCH = 64, DATAGRAM = 2048, REPLY = 16384 };

struct player {
    int number, control, rtp, rtcp, is_gone, has_sequence;
    unsigned port, sequence;
    uint64_t bytes, packets, pictures, gaps;
    unsigned char *data; /* of those who parse: what is not a whole packet yet */
    size_t length;
    SSL *tls;
};

struct record {
    uint32_t player, zero;
    uint64_t ns;
    unsigned char tail[TAIL];
};

static struct player *players;
static int count, is_udp, is_raw, is_tls, is_stamping, is_stalling, epoll;
static struct sockaddr_in server;
static struct record *records;
static size_t record_count, record_room;

static void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "players: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    exit(1);
}

static void *need(void *memory) {
    if (!memory) die("out of memory");
    return memory;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + now.tv_nsec;
}

static int parses(const struct player *player) {
    return is_stamping || player->number == 0;
}

/* ---------------------------------------------------------------- TLS */

#ifdef WITH_TLS
/* Shake hands, on a socket that still blocks. Nobody is verified. */
static void shake_hands(struct player *player) {
    static SSL_CTX *context;
    if (!context) {
        context = SSL_CTX_new(TLS_client_method());
        if (!context) die("TLS: no context");
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    }
    player->tls = need(SSL_new(context));
    SSL_set_fd(player->tls, player->control);
    if (SSL_connect(player->tls) != 1) die("player %d: no TLS", player->number);
}

static ssize_t read_tls(struct player *player, void *data, size_t room, int is_peeking) {
    int size = is_peeking ? SSL_peek(player->tls, data, room) : SSL_read(player->tls, data, room);
    if (size > 0) return size;
    errno = EAGAIN;
    return SSL_get_error(player->tls, size) == SSL_ERROR_WANT_READ ? -1 : 0;
}

static ssize_t write_tls(struct player *player, const void *data, size_t length) {
    return SSL_write(player->tls, data, length);
}
#else
static void shake_hands(struct player *player) {
    die("player %d: compiled without TLS", player->number);
}

static ssize_t read_tls(struct player *player, void *data, size_t room, int is_peeking) {
    (void)player, (void)data, (void)room, (void)is_peeking;
    return 0;
}

static ssize_t write_tls(struct player *player, const void *data, size_t length) {
    (void)player, (void)data, (void)length;
    return 0;
}
#endif

/* ---------------------------------------------------------------- packets */

static void take_packet(struct player *player, const unsigned char *rtp, size_t length,
                        size_t seen, uint64_t ns) {
    if (length < 12) return;
    unsigned sequence = rtp[2] << 8 | rtp[3];
    player->packets++;
    if (player->has_sequence && sequence != ((player->sequence + 1) & 0xFFFF)) player->gaps++;
    player->has_sequence = 1;
    player->sequence = sequence;
    if (!(rtp[1] & 0x80)) return;
    player->pictures++;
    if (!is_stamping || seen < length || length < 12 + TAIL) return;
    if (record_count == record_room) {
        record_room = record_room ? 2 * record_room : 1 << 16;
        records = need(realloc(records, record_room * sizeof *records));
    }
    struct record *record = &records[record_count++];
    record->player = player->number;
    record->zero = 0;
    record->ns = ns;
    memcpy(record->tail, rtp + length - TAIL, TAIL);
}

/* When the kernel got the newest byte of a message; the time of now if it does not tell. */
static uint64_t stamp_of(struct msghdr *message) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part))
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
            return (uint64_t)stamp.tv_sec * 1000000000u + stamp.tv_nsec;
        }
    return now_ns();
}

static void parse(struct player *player, uint64_t ns) {
    unsigned char *data = player->data;
    size_t start = 0;
    while (player->length - start >= 4) {
        size_t length = data[start + 2] << 8 | data[start + 3];
        if (data[start] != '$') die("player %d: no packet where one should be", player->number);
        if (player->length - start < 4 + length) break;
        if (data[start + 1] == 0) take_packet(player, data + start + 4, length, length, ns);
        start += 4 + length;
    }
    player->length -= start;
    memmove(data, data + start, player->length);
}

static void receive_stream(struct player *player) {
    static unsigned char nowhere[1];
    ssize_t size;
    if (parses(player) && player->tls) {
        size = read_tls(player, player->data + player->length, ROOM - player->length, 0);
        if (size > 0) {
            player->length += size;
            parse(player, 0);
        }
    } else if (!parses(player)) {
        size = recv(player->control, nowhere, DISCARD, MSG_TRUNC);
    } else {
        char control[64];
        struct iovec part = {player->data + player->length, ROOM - player->length};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                                 .msg_controllen = sizeof control};
        size = recvmsg(player->control, &message, 0);
        if (size > 0) {
            player->length += size;
            parse(player, is_stamping ? stamp_of(&message) : 0);
        }
    }
    if (size > 0)
        player->bytes += size;
    else if (size == 0 || (errno != EAGAIN && errno != EINTR))
        player->is_gone = 1;
}

static void receive_datagrams(struct player *player) {
    static unsigned char data[BATCH][DATAGRAM];
    static char control[BATCH][64];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){data[i], is_stamping ? DATAGRAM : 16};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_control = is_stamping ? control[i] : NULL;
        messages[i].msg_hdr.msg_controllen = is_stamping ? sizeof control[i] : 0;
    }
    int received = recvmmsg(player->rtp, messages, BATCH, MSG_TRUNC | MSG_DONTWAIT, NULL);
    for (int i = 0; i < received; i++) {
        size_t length = messages[i].msg_len;
        player->bytes += length + 4; /* as over TCP, where a packet has 4 bytes more */
        take_packet(player, data[i], length, parts[i].iov_len,
                    is_stamping ? stamp_of(&messages[i].msg_hdr) : 0);
    }
}

/* Serve what waits. True when something waits for `until`, or, without it, on standard input. */
static int pump(int timeout_ms, struct player *until) {
    struct epoll_event events[256];
    int is_due = 0;
    int number = epoll_wait(epoll, events, 256, timeout_ms);
    for (int i = 0; i < number; i++) {
        struct player *player = events[i].data.ptr;
        if (player == until) {
            is_due = 1;
        } else if (player) {
            if (is_udp && !player->is_gone) receive_datagrams(player);
            else receive_stream(player);
            if (player->is_gone) epoll_ctl(epoll, EPOLL_CTL_DEL, is_udp ? player->rtp : player->control, NULL);
        }
    }
    return is_due;
}

/* ---------------------------------------------------------------- RTSP */

static void watch(int descriptor, struct player *player) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = player};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)) die("epoll: %s", strerror(errno));
}

static ssize_t peek(struct player *player, char *text, size_t room) {
    for (;;) {
        ssize_t size = player->tls ? read_tls(player, text, room, 1)
                                   : recv(player->control, text, room, MSG_PEEK | MSG_DONTWAIT);
        if (size > 0) return size;
        if (size == 0) die("player %d: the server closed the connection", player->number);
        if (errno != EAGAIN && errno != EINTR) die("player %d: %s", player->number, strerror(errno));
        pump(1000, player);
    }
}

static void consume(struct player *player, size_t length) {
    char nowhere[REPLY];
    while (length) {
        size_t most = length < REPLY ? length : REPLY;
        ssize_t size = player->tls ? read_tls(player, nowhere, most, 0)
                                   : recv(player->control, nowhere, most, MSG_DONTWAIT);
        if (size > 0) length -= size;
        else if (size == 0) die("player %d: the server closed the connection", player->number);
        else pump(1000, player);
    }
}

/* Send a request and give its whole answer; what is sent before it is skipped. */
static void ask(struct player *player, char *reply, const char *format, ...) {
    char request[2048];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(request, sizeof request, format, arguments);
    va_end(arguments);
    ssize_t sent = player->tls ? write_tls(player, request, length)
                               : send(player->control, request, length, MSG_NOSIGNAL);
    if (sent != length) die("request: %s", strerror(errno));
    for (;;) {
        ssize_t size = peek(player, reply, REPLY - 1);
        reply[size] = 0;
        if (reply[0] == '$') {
            if (size < 4) pump(10, player);
            else consume(player, 4 + ((unsigned char)reply[2] << 8 | (unsigned char)reply[3]));
            continue;
        }
        char *end = strstr(reply, "\r\n\r\n");
        char *body = strcasestr(reply, "\ncontent-length:");
        size_t wanted = end ? (size_t)(end - reply) + 4 + (body && body < end ? atoi(body + 16) : 0) : 0;
        if (wanted >= REPLY) die("player %d: an answer of %zu bytes", player->number, wanted);
        if (!end || (size_t)size < wanted) {
            pump(1, player);
            continue;
        }
        consume(player, wanted);
        reply[wanted] = 0;
        if (strncmp(reply, "RTSP/1.0 200", 12)) die("player %d: %.40s to %.20s", player->number, reply, request);
        return;
    }
}

static int copy_header(const char *reply, const char *name, char *value, size_t room) {
    const char *found = strcasestr(reply, name);
    if (!found) return 0;
    found += strlen(name);
    while (*found == ' ') found++;
    size_t length = strcspn(found, ";\r\n");
    if (length >= room) die("header %s is too long", name);
    memcpy(value, found, length);
    value[length] = 0;
    return 1;
}

static void open_ports(struct player *player) {
    int size = 4 << 20, yes = 1;
    for (int attempt = 0; attempt < 200; attempt++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = server.sin_addr};
        socklen_t length = sizeof address;
        player->rtp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        player->rtcp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (bind(player->rtp, (struct sockaddr *)&address, sizeof address)) die("bind: %s", strerror(errno));
        getsockname(player->rtp, (struct sockaddr *)&address, &length);
        player->port = ntohs(address.sin_port);
        address.sin_port = htons(player->port + 1);
        if (player->port % 2 == 0 && !bind(player->rtcp, (struct sockaddr *)&address, sizeof address)) {
            setsockopt(player->rtp, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
            if (is_stamping) setsockopt(player->rtp, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes);
            return;
        }
        close(player->rtp);
        close(player->rtcp);
    }
    die("no free pair of ports");
}

static void play(struct player *player, const char *host, int port, const char *path) {
    char reply[REPLY], base[512], url[1024], control[512], session[128];
    snprintf(base, sizeof base, "rtsp://%s:%d/%s", host, port, path);
    ask(player, reply, "DESCRIBE %s RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n", base);
    copy_header(reply, "\r\nContent-Base:", base, sizeof base);
    char *media = strstr(reply, "\r\nm=video");
    if (!media || !copy_header(media, "\r\na=control:", control, sizeof control))
        die("no video in the description of %s", path);
    int is_absolute = !strncmp(control, "rtsp://", 7);
    size_t end = strlen(base);
    snprintf(url, sizeof url, "%s%s%s", is_absolute ? "" : base,
             is_absolute || (end && base[end - 1] == '/') ? "" : "/", control);
    if (is_udp)
        ask(player, reply, "SETUP %s RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP;unicast;client_port=%u-%u\r\n\r\n",
            url, player->port, player->port + 1);
    else
        ask(player, reply, "SETUP %s RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n", url);
    if (!copy_header(reply, "\r\nSession:", session, sizeof session)) die("no session");
    ask(player, reply, "PLAY %s RTSP/1.0\r\nCSeq: 3\r\nSession: %s\r\nRange: npt=0-\r\n\r\n", base, session);
}

static void begin(struct player *player, const char *host, int port, const char *format, int cameras) {
    char path[256];
    int yes = 1, small = 64 << 10;
    player->control = socket(AF_INET, SOCK_STREAM, 0);
    if (is_stalling) setsockopt(player->control, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (connect(player->control, (struct sockaddr *)&server, sizeof server)) die("connect: %s", strerror(errno));
    setsockopt(player->control, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (is_stamping) setsockopt(player->control, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes);
    if (parses(player)) player->data = need(malloc(ROOM));
    if (is_tls) shake_hands(player);
    if (is_udp) open_ports(player);
    if (is_udp) watch(player->rtp, player);
    if (is_raw && is_udp) {
        uint16_t told = htons(player->port);
        if (send(player->control, &told, sizeof told, 0) != sizeof told) die("port: %s", strerror(errno));
    } else if (!is_raw) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = player};
        epoll_ctl(epoll, EPOLL_CTL_ADD, player->control, &event);
        snprintf(path, sizeof path, format, player->number % cameras);
        play(player, host, port, path);
        epoll_ctl(epoll, EPOLL_CTL_DEL, player->control, NULL);
    }
    if (fcntl(player->control, F_SETFL, O_NONBLOCK)) die("fcntl: %s", strerror(errno));
    if (!is_udp && !is_stalling) watch(player->control, player);
}

/* ---------------------------------------------------------------- orders */

static void tell(void) {
    uint64_t bytes = 0, pictures = 0, gaps = 0, least = UINT64_MAX, fewest = UINT64_MAX;
    int gone = 0;
    for (int i = 0; i < count; i++) {
        struct player *player = &players[i];
        bytes += player->bytes;
        pictures += player->pictures;
        gaps += player->gaps;
        gone += player->is_gone;
        if (player->bytes < least) least = player->bytes;
        if (player->pictures < fewest) fewest = player->pictures;
    }
    printf("{\"bytes\": %lu, \"least_bytes\": %lu, \"pictures\": %lu, \"fewest_pictures\": %lu, "
           "\"witness_bytes\": %lu, \"witness_pictures\": %lu, \"gaps\": %lu, \"gone\": %d, \"each\": [",
           bytes, least, pictures, fewest, players[0].bytes, players[0].pictures, gaps, gone);
    for (int i = 0; i < count; i++) printf("%s%lu", i ? ", " : "", players[i].bytes);
    printf("]}\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc < 9) die("see the head of players.c");
    const char *host = argv[1], *transport = argv[4], *mode = argv[5], *format = argv[6];
    int port = atoi(argv[2]), cameras = atoi(argv[7]);
    count = atoi(argv[3]);
    is_raw = !strncmp(transport, "raw-", 4);
    is_udp = !strcmp(transport + (is_raw ? 4 : 0), "udp");
    is_tls = !strcmp(transport + (is_raw ? 4 : 0), "tls");
    is_stamping = !strcmp(mode, "stamp");
    is_stalling = !strcmp(mode, "stall");
    if (count < 1 || cameras < 1) die("at least one player and one camera");
    alarm(atoi(argv[8])); /* nobody may outlive who started it */
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &server.sin_addr);
    players = need(calloc(count, sizeof *players));
    epoll = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        players[i].number = i;
        begin(&players[i], host, port, format, cameras);
        pump(0, NULL);
    }
    printf("ready\n");
    fflush(stdout);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (;;) {
        if (!pump(-1, NULL)) continue;
        char order[256];
        ssize_t size = read(STDIN_FILENO, order, sizeof order);
        if (size <= 0 || order[0] == 'q') break;
        for (ssize_t i = 0; i < size; i++)
            if (order[i] == '\n') tell();
    }
    if (argc > 9 && is_stamping) {
        FILE *file = need(fopen(argv[9], "wb"));
        fwrite(records, sizeof *records, record_count, file);
        fclose(file);
    }
    printf("done\n");
    return 0;
}
