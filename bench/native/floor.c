/* The least that a server can do: send the same bytes to the same sockets, and nothing else.
 *
 *   floor FILE COUNT tcp|udp|udp-plain RATE SECONDS [STAMPS]
 *   floor FILE COUNT tls RATE SECONDS CERTIFICATE
 *
 * FILE has the packets of each picture behind their interleaved headers: u32 pictures, u32 size of
 * each, then the bytes. TCP: one send a picture and player. TLS, where it was compiled with it
 * (-DWITH_TLS): one SSL_write a picture and player; CERTIFICATE holds the key too. UDP: one send for each run of packets
 * of equal size (segmentation offload); udp-plain: one for each packet. RATE is pictures a second,
 * SECONDS the deadline of the process. STAMPS is written with when each picture was sent: u64
 * index, u64 nanoseconds since 1970.
 *
 * Prints its port, sends when COUNT players are there (over UDP each tells its port first), prints
 * "ready" then, and ends with a line or the end of standard input: then STAMPS is whole and "done"
 * printed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/ssl.h>
#else
typedef void SSL;
#endif

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { MOST_SEGMENTS = 64, MOST_BYTES = 65000 };

struct run {
    unsigned char *data;
    size_t length;
    uint16_t size;
};

struct picture {
    unsigned char *data; /* as it goes over TCP */
    uint32_t length;
    struct run *runs; /* the same over UDP */
    int run_count;
};

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void *need(void *memory) {
    if (!memory) fail("memory");
    return memory;
}

/* Join packets of equal size into runs that one call can send; the last may be shorter. */
static void cut(struct picture *picture, int is_plain) {
    unsigned char *at = picture->data, *end = at + picture->length;
    struct run *run = NULL;
    size_t last = 0;
    picture->runs = need(calloc(picture->length / 16 + 1, sizeof *picture->runs));
    while (at < end) {
        size_t length = at[2] << 8 | at[3];
        int fits = run && !is_plain && length <= run->size && last == run->size &&
                   run->length + length <= MOST_BYTES && run->length / run->size < MOST_SEGMENTS;
        if (!fits) {
            run = &picture->runs[picture->run_count++];
            run->data = need(malloc(is_plain ? length : MOST_BYTES + length));
            run->size = length;
        }
        memcpy(run->data + run->length, at + 4, length);
        run->length += length;
        last = length;
        at += 4 + length;
    }
}

static struct picture *load(const char *path, uint32_t *number, int is_udp, int is_plain) {
    FILE *file = fopen(path, "rb");
    if (!file || fread(number, 4, 1, file) != 1) fail(path);
    struct picture *pictures = need(calloc(*number, sizeof *pictures));
    for (uint32_t i = 0; i < *number; i++)
        if (fread(&pictures[i].length, 4, 1, file) != 1) fail(path);
    for (uint32_t i = 0; i < *number; i++) {
        pictures[i].data = need(malloc(pictures[i].length));
        if (fread(pictures[i].data, 1, pictures[i].length, file) != pictures[i].length) fail(path);
        if (is_udp) cut(&pictures[i], is_plain);
    }
    fclose(file);
    return pictures;
}

static void send_stream(int sock, const struct picture *picture) {
    size_t sent = 0;
    while (sent < picture->length) {
        ssize_t size = send(sock, picture->data + sent, picture->length - sent, MSG_NOSIGNAL);
        if (size < 0 && (errno == EPIPE || errno == ECONNRESET)) return; /* players leave first */
        if (size < 0) fail("send");
        sent += size;
    }
}

#ifdef WITH_TLS
static SSL *shake_hands(int sock, const char *certificate) {
    static SSL_CTX *context;
    if (!context) {
        context = need(SSL_CTX_new(TLS_server_method()));
        if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
            SSL_CTX_use_PrivateKey_file(context, certificate, SSL_FILETYPE_PEM) != 1)
            fail(certificate);
    }
    SSL *tls = need(SSL_new(context));
    SSL_set_fd(tls, sock);
    if (SSL_accept(tls) != 1) fail("TLS");
    return tls;
}

static void send_records(SSL *tls, const struct picture *picture) {
    if (SSL_write(tls, picture->data, picture->length) != (int)picture->length) fail("TLS");
}
#else
static SSL *shake_hands(int sock, const char *certificate) {
    (void)sock, (void)certificate;
    fail("compiled without TLS");
    return NULL;
}

static void send_records(SSL *tls, const struct picture *picture) {
    (void)tls, (void)picture;
}
#endif

static void send_datagrams(int sock, const struct picture *picture, struct sockaddr_in *to) {
    for (int i = 0; i < picture->run_count; i++) {
        struct run *run = &picture->runs[i];
        struct iovec part = {run->data, run->length};
        char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
        struct msghdr message = {.msg_name = to, .msg_namelen = sizeof *to, .msg_iov = &part, .msg_iovlen = 1};
        if (run->length > run->size) {
            message.msg_control = control;
            message.msg_controllen = sizeof control;
            struct cmsghdr *head = CMSG_FIRSTHDR(&message);
            head->cmsg_level = IPPROTO_UDP;
            head->cmsg_type = UDP_SEGMENT;
            head->cmsg_len = CMSG_LEN(sizeof(uint16_t));
            memcpy(CMSG_DATA(head), &run->size, sizeof run->size);
        }
        if (sendmsg(sock, &message, 0) < 0) fail("sendmsg");
    }
}

static void stamp(FILE *file, uint64_t index) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t record[2] = {index, (uint64_t)now.tv_sec * 1000000000u + now.tv_nsec};
    fwrite(record, sizeof record, 1, file);
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    int is_tls = !strcmp(argv[3], "tls");
    if (is_tls && argc < 7) return 2;
    FILE *stamps = argc > 6 && !is_tls ? need(fopen(argv[6], "wb")) : NULL;
    int count = atoi(argv[2]), rate = atoi(argv[4]);
    int is_udp = !strncmp(argv[3], "udp", 3), is_plain = !strcmp(argv[3], "udp-plain");
    uint32_t number;
    alarm(atoi(argv[5]));
    struct picture *pictures = load(argv[1], &number, is_udp, is_plain);
    struct sockaddr_in *addresses = need(calloc(count, sizeof *addresses)), own = {.sin_family = AF_INET};
    int *socks = need(calloc(count, sizeof *socks)), yes = 1, size = 4 << 20;
    SSL **tls = need(calloc(count, sizeof *tls));
    socklen_t length = sizeof own;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(udp, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (bind(udp, (struct sockaddr *)&own, sizeof own)) fail("bind");
    if (bind(listener, (struct sockaddr *)&own, sizeof own) || listen(listener, 512)) fail("listen");
    getsockname(listener, (struct sockaddr *)&own, &length);
    printf("%d\n", ntohs(own.sin_port));
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        uint16_t port;
        if ((socks[i] = accept(listener, NULL, NULL)) < 0) fail("accept");
        setsockopt(socks[i], IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        addresses[i] = own;
        if (is_tls) tls[i] = shake_hands(socks[i], argv[6]);
        if (is_udp && recv(socks[i], &port, sizeof port, MSG_WAITALL) == sizeof port) addresses[i].sin_port = port;
    }
    printf("ready\n");
    fflush(stdout);
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (uint32_t i = 0;; i = (i + 1) % number) {
        struct pollfd input = {STDIN_FILENO, POLLIN, 0};
        if (poll(&input, 1, 0)) {
            if (stamps) fclose(stamps);
            printf("done\n");
            return 0;
        }
        due.tv_nsec += 1000000000 / rate;
        if (due.tv_nsec >= 1000000000) {
            due.tv_nsec -= 1000000000;
            due.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        if (stamps) stamp(stamps, i);
        for (int player = 0; player < count; player++)
            if (is_tls) send_records(tls[player], &pictures[i]);
            else if (is_udp) send_datagrams(udp, &pictures[i], &addresses[player]);
            else send_stream(socks[player], &pictures[i]);
    }
}
