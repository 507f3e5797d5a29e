// A window in shared memory: red, and green once the file `go` is there; the frames that follow it are counted.
//   window keep | close [popup] [grab] [bind=INTERFACE] [params] [unacknowledged] [child] [feedback]
// keep, close: the descriptor of its pool. popup: it has one open, which is closed at the end, and another one then; grab: of the
// seat. bind: that global; params: and makes something of it, as of zwp_linux_dmabuf_v1. unacknowledged: that it is
// maximized. child: of two processes. feedback: asks when
// each frame was shown.
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <wayland-client.h>

#include "dmabuf.h"
#include "presentation-time-client.h"
#include "xdg-shell-client.h"

enum { kSide = 64, kBytes = kSide * kSide * 4 };
static struct wl_compositor* compositor;
static struct wl_shm* shm;
static struct xdg_wm_base* shell;
static struct wl_surface* surface;
static struct wl_buffer* buffer;
static uint32_t* pixels;
static struct wp_presentation* presentation;
static int configured, frames, busy, popup_open, asked, answered;
static struct wl_seat* seat;
static struct wl_proxy* bound;
static const char* wanted = "";  ///< the interface of bind=

static int count;
static char** words;
static int has(const char* word) {
  for (int i = 1; i < count; ++i)
    if (!strcmp(words[i], word)) return 1;
  return 0;
}

static int told(const void* data, void* target, uint32_t opcode, const struct wl_message* message,
                union wl_argument* arguments) {
  (void)data, (void)target, (void)opcode, (void)message, (void)arguments;
  return 0;
}

static void add(void* data, struct wl_registry* registry, uint32_t name, const char* interface,
                uint32_t version) {
  (void)data, (void)version;
  if (!strcmp(interface, "wl_compositor"))
    compositor = wl_registry_bind(registry, name, &wl_compositor_interface, 1);
  if (!strcmp(interface, "wl_shm")) shm = wl_registry_bind(registry, name, &wl_shm_interface, 1);
  if (!strcmp(interface, "xdg_wm_base"))
    shell = wl_registry_bind(registry, name, &xdg_wm_base_interface, 1);
  if (!strcmp(interface, "wp_presentation") && has("feedback"))
    presentation = wl_registry_bind(registry, name, &wp_presentation_interface, 1);
  if (!strcmp(interface, "wl_seat") && has("grab"))
    seat = wl_registry_bind(registry, name, &wl_seat_interface, 1);
  static struct wl_interface any;
  if (!strcmp(interface, wanted)) {
    any = (struct wl_interface){wanted, 3, 2, requests, 2, events};
    bound = wl_registry_bind(registry, name, &any, 3);
    wl_proxy_add_dispatcher(bound, told, NULL, NULL);
  }
}
static void gone(void* data, struct wl_registry* registry, uint32_t name) {
  (void)data, (void)registry, (void)name;
}
static const struct wl_registry_listener registry_listener = {add, gone};

static void ping(void* data, struct xdg_wm_base* base, uint32_t serial) {
  (void)data, xdg_wm_base_pong(base, serial);
}
static const struct xdg_wm_base_listener shell_listener = {ping};

static void configure(void* data, struct xdg_surface* window, uint32_t serial) {
  (void)data;
  ++configured;
  if (!has("unacknowledged") || configured < 2) xdg_surface_ack_configure(window, serial);
}
static const struct xdg_surface_listener surface_listener = {configure};

static void place(void* data, struct xdg_popup* popup, int32_t x, int32_t y, int32_t width,
                  int32_t height) {
  (void)data, (void)popup, (void)x, (void)y, (void)width, (void)height;
  popup_open = 1;
}
static void dismissed(void* data, struct xdg_popup* popup) {
  (void)data, (void)popup;
  popup_open = 0;
}
static const struct xdg_popup_listener popup_listener = {.configure = place,
                                                         .popup_done = dismissed};

static void size(void* data, struct xdg_toplevel* top, int32_t width, int32_t height,
                 struct wl_array* states) {
  (void)data, (void)top, (void)width, (void)height, (void)states;
}
static void closed(void* data, struct xdg_toplevel* top) {
  (void)data, (void)top, exit(0);
}
static const struct xdg_toplevel_listener top_listener = {.configure = size, .close = closed};

static void released(void* data, struct wl_buffer* which) {
  (void)data, (void)which, busy = 0;
}
static const struct wl_buffer_listener buffer_listener = {released};

static void draw(uint32_t colour);
static void shown(void* data, struct wl_callback* callback, uint32_t time) {
  (void)data, (void)time;
  wl_callback_destroy(callback);
  ++frames;
}
static const struct wl_callback_listener frame_listener = {shown};

static void on_output(void* data, struct wp_presentation_feedback* feedback,
                      struct wl_output* output) {
  (void)data, (void)feedback, (void)output;
}
static void presented(void* data, struct wp_presentation_feedback* feedback, uint32_t high,
                      uint32_t low, uint32_t ns, uint32_t refresh, uint32_t frame_high,
                      uint32_t frame_low, uint32_t flags) {
  (void)data, (void)high, (void)low, (void)ns, (void)refresh, (void)frame_high, (void)frame_low,
      (void)flags;
  wp_presentation_feedback_destroy(feedback);
  ++answered;
}
static void discarded(void* data, struct wp_presentation_feedback* feedback) {
  (void)data;
  wp_presentation_feedback_destroy(feedback);
  ++answered;
}
static const struct wp_presentation_feedback_listener feedback_listener = {on_output, presented,
                                                                           discarded};

static void draw(uint32_t colour) {
  if (presentation != NULL) {
    wp_presentation_feedback_add_listener(wp_presentation_feedback(presentation, surface),
                                          &feedback_listener, NULL);
    ++asked;
  }
  for (int i = 0; i < kSide * kSide; ++i) pixels[i] = colour;
  wl_surface_attach(surface, buffer, 0, 0);
  wl_surface_damage(surface, 0, 0, kSide, kSide);
  wl_callback_add_listener(wl_surface_frame(surface), &frame_listener, NULL);
  wl_surface_commit(surface);
  busy = 1;
}

static struct wl_surface* popup_surface;
static struct xdg_surface* popup_window;
static struct xdg_popup* popup;

/// A popup that shows what the window shows.
static void open_popup(struct wl_display* display, struct xdg_surface* parent);
static void close_popup(void) {
  xdg_popup_destroy(popup);
  xdg_surface_destroy(popup_window);
  wl_surface_destroy(popup_surface);
  popup_open = 0;
}

/// Dispatches until `*what` is at least `value`.
static void wait_for(struct wl_display* display, const int* what, int value) {
  while (*what < value)
    if (wl_display_dispatch(display) < 0) {
      printf("the compositor is gone\n");
      exit(3);
    }
}

static void open_popup(struct wl_display* display, struct xdg_surface* parent) {
  struct xdg_positioner* where = xdg_wm_base_create_positioner(shell);
  xdg_positioner_set_size(where, kSide, kSide);
  xdg_positioner_set_anchor_rect(where, 0, 0, 10, 10);
  popup_surface = wl_compositor_create_surface(compositor);
  popup_window = xdg_wm_base_get_xdg_surface(shell, popup_surface);
  xdg_surface_add_listener(popup_window, &surface_listener, NULL);
  popup = xdg_surface_get_popup(popup_window, parent, where);
  xdg_popup_add_listener(popup, &popup_listener, NULL);
  xdg_positioner_destroy(where);
  if (has("grab")) xdg_popup_grab(popup, seat, 1);
  wl_surface_commit(popup_surface);
  wait_for(display, &configured, configured + 1);
  wl_surface_attach(popup_surface, buffer, 0, 0);
  wl_surface_commit(popup_surface);
}

int main(int argc, char** argv) {
  count = argc, words = argv;
  for (int i = 1; i < argc; ++i)
    if (!strncmp(argv[i], "bind=", 5)) wanted = argv[i] + 5;
  if (has("child") && fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  struct wl_display* display = wl_display_connect(NULL);
  if (display == NULL) {
    puts("no compositor");
    return 2;
  }
  struct wl_registry* registry = wl_display_get_registry(display);
  wl_registry_add_listener(registry, &registry_listener, NULL);
  wl_display_roundtrip(display);
  if (compositor == NULL || shm == NULL || shell == NULL) return 4;
  if (*wanted && bound == NULL) return 7;
  if (has("params")) wl_proxy_marshal_constructor(bound, 1, &params_interface, NULL);
  xdg_wm_base_add_listener(shell, &shell_listener, NULL);
  surface = wl_compositor_create_surface(compositor);
  struct xdg_surface* window = xdg_wm_base_get_xdg_surface(shell, surface);
  xdg_surface_add_listener(window, &surface_listener, NULL);
  struct xdg_toplevel* top = xdg_surface_get_toplevel(window);
  xdg_toplevel_add_listener(top, &top_listener, NULL);
  xdg_toplevel_set_title(top, "window");
  wl_surface_commit(surface);
  wait_for(display, &configured, 1);
  const int fd = memfd_create("window", MFD_CLOEXEC);
  if (ftruncate(fd, kBytes) != 0) return 5;
  pixels = mmap(NULL, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  struct wl_shm_pool* pool = wl_shm_create_pool(shm, fd, kBytes);
  buffer = wl_shm_pool_create_buffer(pool, 0, kSide, kSide, kSide * 4, WL_SHM_FORMAT_XRGB8888);
  wl_buffer_add_listener(buffer, &buffer_listener, NULL);
  if (has("close")) {
    wl_shm_pool_destroy(pool);
    close(fd);
  }
  for (int i = 1; i <= 3; ++i) {
    draw(0xff0000);
    wait_for(display, &frames, i);
  }
  wait_for(display, &answered, asked);
  if (has("popup")) open_popup(display, window);
  if (has("unacknowledged")) {
    xdg_toplevel_set_maximized(top);
    wait_for(display, &configured, configured + 1);
  }
  wl_display_roundtrip(display);
  puts("shown");
  fflush(stdout);
  while (access("go", F_OK) != 0) {
    struct pollfd ready = {wl_display_get_fd(display), POLLIN, 0};
    while (wl_display_prepare_read(display) != 0) wl_display_dispatch_pending(display);
    wl_display_flush(display);
    if (poll(&ready, 1, 10) > 0)
      wl_display_read_events(display);
    else
      wl_display_cancel_read(display);
    if (wl_display_dispatch_pending(display) < 0) return 3;
  }
  for (int i = 4; i <= 8; ++i) {
    draw(0x00ff00);
    wait_for(display, &frames, i);
  }
  wait_for(display, &answered, asked);
  if (has("popup")) {
    if (!popup_open) return 8;
    close_popup();
    open_popup(display, window);  // And another one, after the launch.
    close_popup();
  }
  if (wl_display_roundtrip(display) < 0) return 6;
  printf("frames %d\n", frames);
  return 0;
}
