// A window in shared memory: red, and green once the file `go` is there; the frames that follow it are counted.
//   window keep | close      the descriptor of its pool
#define _GNU_SOURCE
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>

#include "xdg-shell-client.h"

enum { kSide = 64, kBytes = kSide * kSide * 4 };
static struct wl_compositor* compositor;
static struct wl_shm* shm;
static struct xdg_wm_base* shell;
static struct wl_surface* surface;
static struct wl_buffer* buffer;
static uint32_t* pixels;
static int configured, frames, busy;

static void add(void* data, struct wl_registry* registry, uint32_t name, const char* interface,
                uint32_t version) {
  (void)data, (void)version;
  if (!strcmp(interface, "wl_compositor"))
    compositor = wl_registry_bind(registry, name, &wl_compositor_interface, 1);
  if (!strcmp(interface, "wl_shm")) shm = wl_registry_bind(registry, name, &wl_shm_interface, 1);
  if (!strcmp(interface, "xdg_wm_base"))
    shell = wl_registry_bind(registry, name, &xdg_wm_base_interface, 1);
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
  configured = 1;
  xdg_surface_ack_configure(window, serial);
}
static const struct xdg_surface_listener surface_listener = {configure};

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

static void draw(uint32_t colour) {
  for (int i = 0; i < kSide * kSide; ++i) pixels[i] = colour;
  wl_surface_attach(surface, buffer, 0, 0);
  wl_surface_damage(surface, 0, 0, kSide, kSide);
  wl_callback_add_listener(wl_surface_frame(surface), &frame_listener, NULL);
  wl_surface_commit(surface);
  busy = 1;
}

/// Dispatches until `*what` is at least `value`.
static void wait_for(struct wl_display* display, const int* what, int value) {
  while (*what < value)
    if (wl_display_dispatch(display) < 0) {
      printf("the compositor is gone\n");
      exit(3);
    }
}

int main(int argc, char** argv) {
  struct wl_display* display = wl_display_connect(NULL);
  if (display == NULL) {
    puts("no compositor");
    return 2;
  }
  struct wl_registry* registry = wl_display_get_registry(display);
  wl_registry_add_listener(registry, &registry_listener, NULL);
  wl_display_roundtrip(display);
  if (compositor == NULL || shm == NULL || shell == NULL) return 4;
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
  if (argc > 1 && !strcmp(argv[1], "close")) {
    wl_shm_pool_destroy(pool);
    close(fd);
  }
  for (int i = 1; i <= 3; ++i) {
    draw(0xff0000);
    wait_for(display, &frames, i);
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
  if (wl_display_roundtrip(display) < 0) return 6;
  printf("frames %d\n", frames);
  return 0;
}
