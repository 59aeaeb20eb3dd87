/* A peer to measure beside: gst-rtsp-server with the same access units, in one shared media.
 *
 *   gst_server FILE RATE SECONDS [STAMPS]
 *
 * FILE has access units in Annex B form: u32 pictures, u32 size of each, then the bytes. They are
 * pushed into an appsrc by a thread of their own, without a copy, from memory that lives as long as
 * the process. STAMPS is written with when each was pushed: u64 index, u64 nanoseconds since 1970.
 * Serves rtsp://127.0.0.1:PORT/cam; prints PORT, ends with a line or the end of standard
 * input: then STAMPS is whole and "done" printed.
 */
#include <gst/app/gstappsrc.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LAUNCH                                                                         \
    "( appsrc name=source is-live=true do-timestamp=true format=time "                 \
    "caps=video/x-h264,stream-format=byte-stream,alignment=au,width=1280,height=720 "  \
    "! rtph264pay name=pay0 pt=96 mtu=1400 config-interval=-1 aggregate-mode=zero-latency )"

static uint32_t number;
static uint32_t *sizes;
static guint8 **pictures;
static int rate;
static FILE *stamps;

static void load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fread(&number, 4, 1, file) != 1) exit(1);
    sizes = malloc(number * sizeof *sizes);
    pictures = malloc(number * sizeof *pictures);
    if (fread(sizes, 4, number, file) != number) exit(1);
    for (uint32_t i = 0; i < number; i++) {
        pictures[i] = malloc(sizes[i]);
        if (fread(pictures[i], 1, sizes[i], file) != sizes[i]) exit(1);
    }
    fclose(file);
}

static void stamp(uint64_t index) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t record[2] = {index, (uint64_t)now.tv_sec * 1000000000u + now.tv_nsec};
    fwrite(record, sizeof record, 1, stamps);
}

static gpointer feed(gpointer source) {
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (uint32_t i = 0;; i = (i + 1) % number) {
        GstBuffer *buffer = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, pictures[i],
                                                        sizes[i], 0, sizes[i], NULL, NULL);
        if (stamps) stamp(i);
        if (gst_app_src_push_buffer(GST_APP_SRC(source), buffer) != GST_FLOW_OK) break;
        due.tv_nsec += 1000000000 / rate;
        if (due.tv_nsec >= 1000000000) {
            due.tv_nsec -= 1000000000;
            due.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
    gst_object_unref(source);
    return NULL;
}

static void configure(GstRTSPMediaFactory *factory, GstRTSPMedia *media, gpointer data) {
    GstElement *bin = gst_rtsp_media_get_element(media);
    GstElement *source = gst_bin_get_by_name(GST_BIN(bin), "source");
    (void)factory;
    (void)data;
    g_thread_unref(g_thread_new("feed", feed, source));
    gst_object_unref(bin);
}

static gboolean stop(GIOChannel *channel, GIOCondition condition, gpointer loop) {
    (void)channel;
    (void)condition;
    g_main_loop_quit(loop);
    return FALSE;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    stamps = argc > 4 ? fopen(argv[4], "wb") : NULL;
    gst_init(NULL, NULL);
    load(argv[1]);
    rate = atoi(argv[2]);
    alarm(atoi(argv[3]));
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    GstRTSPServer *server = gst_rtsp_server_new();
    gst_rtsp_server_set_address(server, "127.0.0.1");
    gst_rtsp_server_set_service(server, "0");
    gst_rtsp_server_set_backlog(server, 512);
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points(server);
    GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new();
    gst_rtsp_media_factory_set_launch(factory, LAUNCH);
    gst_rtsp_media_factory_set_shared(factory, TRUE);
    g_signal_connect(factory, "media-configure", G_CALLBACK(configure), NULL);
    gst_rtsp_mount_points_add_factory(mounts, "/cam", factory);
    g_object_unref(mounts);
    if (!gst_rtsp_server_attach(server, NULL)) return 1;
    printf("%d\n", gst_rtsp_server_get_bound_port(server));
    fflush(stdout);
    GIOChannel *input = g_io_channel_unix_new(STDIN_FILENO);
    g_io_add_watch(input, G_IO_IN | G_IO_HUP, stop, loop);
    g_main_loop_run(loop);
    if (stamps) fflush(stamps);
    printf("done\n");
    fflush(stdout);
    return 0;
}
