// A module of weston: a seat with a pointer and a keyboard, worked by lines in the FIFO of $SEAT_COMMANDS, and a record in the
// file of $SEAT_LOG of what clients show. The headless weston has no seat of its own.
//   move X Y | click X Y | key CODE | resize W H | close | picture FILE       of the window that was shown last
//   keymap LAYOUT | film FOLDER       FOLDER gets PID-NS.ppm for each buffer that is shown from then on
// The log: `shown PID NS WxH` for the first buffer of each window (ns of CLOCK_MONOTONIC), `done LINE` after each command.
#include <fcntl.h>
#include <libweston-desktop/libweston-desktop.h>
#include <libweston/libweston.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weston.h>
#include <xkbcommon/xkbcommon.h>

// For backends; Debian's headers are without them.
int weston_seat_init_pointer(struct weston_seat* seat);
int weston_seat_init_keyboard(struct weston_seat* seat, struct xkb_keymap* keymap);
void weston_seat_init(struct weston_seat* seat, struct weston_compositor* compositor,
                      const char* name);
void weston_seat_update_keymap(struct weston_seat* seat, struct xkb_keymap* keymap);
void notify_motion_absolute(struct weston_seat* seat, const struct timespec* time, double x,
                            double y);
void notify_button(struct weston_seat* seat, const struct timespec* time, int32_t button,
                   enum wl_pointer_button_state state);
void notify_pointer_frame(struct weston_seat* seat);
void notify_key(struct weston_seat* seat, const struct timespec* time, uint32_t key,
                enum wl_keyboard_key_state state, enum weston_key_state_update update);
void notify_keyboard_focus_in(struct weston_seat* seat, struct wl_array* keys,
                              enum weston_key_state_update update);

static struct weston_compositor* compositor;
static struct weston_seat seat;
static FILE* record;
static struct wl_list windows;  ///< that were shown, the last one first
static char film[256];          ///< the folder; empty: there is none

/// A surface that is looked at until it goes.
struct watched {
  struct wl_listener commit, destroy;
  struct weston_surface* surface;
  int shown;
  struct wl_list link;  ///< of windows, once it is shown
};

static struct timespec now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time;
}

/// The window that was shown last. A shell may keep the surface of one that is gone, to fade it out.
static struct weston_surface* top_window(void) {
  struct watched* one;
  wl_list_for_each(one, &windows, link) {
    if (weston_surface_get_desktop_surface(one->surface) != NULL) return one->surface;
  }
  return NULL;
}

static void gone(struct wl_listener* listener, void* data) {
  struct watched* one = wl_container_of(listener, one, destroy);
  (void)data;
  wl_list_remove(&one->link);
  free(one);
}

static const unsigned char black[3] = {0, 0, 0};
static const unsigned char screen[3] = {0x2d, 0x34,
                                        0x36};  ///< the empty one of bench/chart/film.ts

/// As PPM, with that colour behind what is clear.
static void picture(struct weston_surface* of, const char* path, const unsigned char behind[3]) {
  int width = 0, height = 0;
  weston_surface_get_content_size(of, &width, &height);
  unsigned char* pixels = calloc((size_t)width * (size_t)height, 4);
  FILE* file = fopen(path, "w");
  if (file == NULL || weston_surface_copy_content(of, pixels, (size_t)width * (size_t)height * 4, 0,
                                                  0, width, height) != 0) {
    fprintf(record, "no picture\n");
  } else {
    fprintf(file, "P6 %d %d 255\n", width, height);
    for (int i = 0; i < width * height; ++i) {
      const unsigned char* pixel =
          pixels + (size_t)i * 4;  // Its colour is multiplied by its alpha.
      for (int c = 0; c < 3; ++c) fputc(pixel[c] + behind[c] * (255 - pixel[3]) / 255, file);
    }
  }
  if (file != NULL) fclose(file);
  free(pixels);
}

static void committed(struct wl_listener* listener, void* data) {
  struct watched* one = wl_container_of(listener, one, commit);
  struct weston_surface* surface = one->surface;
  const struct timespec time = now();
  (void)data;
  struct wl_client* client = surface->resource ? wl_resource_get_client(surface->resource) : NULL;
  if (client == NULL || surface->width == 0 || !weston_surface_is_desktop_surface(surface)) return;
  const long long ns = time.tv_sec * 1000000000LL + time.tv_nsec;
  pid_t pid = 0;
  wl_client_get_credentials(client, &pid, NULL, NULL);
  if (!one->shown++) {
    fprintf(record, "shown %d %lld %dx%d\n", pid, ns, surface->width, surface->height);
    wl_list_insert(&windows, &one->link);
  }
  if (film[0] == '\0') return;
  char path[512];
  snprintf(path, sizeof(path), "%s/%d-%lld.ppm", film, pid, ns);
  picture(surface, path, screen);
}

static void created(struct wl_listener* listener, void* data) {
  (void)listener;
  struct watched* one = calloc(1, sizeof(*one));
  one->surface = data;
  one->commit.notify = committed;
  one->destroy.notify = gone;
  wl_list_init(&one->link);
  wl_signal_add(&one->surface->commit_signal, &one->commit);
  wl_signal_add(&one->surface->destroy_signal, &one->destroy);
}
static struct wl_listener creation = {.notify = created};

/// To a place of the window.
static void move(struct weston_surface* top, double x, double y) {
  const struct timespec time = now();
  struct weston_desktop_surface* desktop = weston_surface_get_desktop_surface(top);
  const struct weston_geometry inner = weston_desktop_surface_get_geometry(desktop);
  struct weston_view* view = wl_container_of(top->views.next, view, surface_link);
  notify_motion_absolute(&seat, &time, view->geometry.x + inner.x + x,
                         view->geometry.y + inner.y + y);
  notify_pointer_frame(&seat);
}

static void click(struct weston_surface* top, double x, double y) {
  move(top, x, y);
  for (int down = 1; down >= 0; --down) {
    const struct timespec time = now();
    notify_button(&seat, &time, BTN_LEFT,
                  down ? WL_POINTER_BUTTON_STATE_PRESSED : WL_POINTER_BUTTON_STATE_RELEASED);
    notify_pointer_frame(&seat);
  }
}

static void key(uint32_t code) {
  for (int down = 1; down >= 0; --down) {
    const struct timespec time = now();
    notify_key(&seat, &time, code,
               down ? WL_KEYBOARD_KEY_STATE_PRESSED : WL_KEYBOARD_KEY_STATE_RELEASED,
               STATE_UPDATE_AUTOMATIC);
  }
}

static struct xkb_keymap* keymap_of(const char* layout) {
  const struct xkb_rule_names names = {.rules = "evdev", .model = "pc105", .layout = layout};
  struct xkb_context* context = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
  struct xkb_keymap* keymap =
      xkb_keymap_new_from_names(context, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
  xkb_context_unref(context);
  return keymap;
}

static void obey(const char* line) {
  double x = 0, y = 0;
  unsigned code = 0;
  char word[256];
  struct weston_surface* top = top_window();
  if (sscanf(line, "keymap %255s", word) == 1)
    weston_seat_update_keymap(&seat, keymap_of(word));
  else if (sscanf(line, "film %255s", film) == 1)
    ;
  else if (top == NULL)
    fprintf(record, "no window\n");
  else if (sscanf(line, "move %lf %lf", &x, &y) == 2)
    move(top, x, y);
  else if (sscanf(line, "click %lf %lf", &x, &y) == 2)
    click(top, x, y);
  else if (sscanf(line, "key %u", &code) == 1)
    key(code);
  else if (sscanf(line, "resize %lf %lf", &x, &y) == 2)
    weston_desktop_surface_set_size(weston_surface_get_desktop_surface(top), (int)x, (int)y);
  else if (strcmp(line, "close") == 0)
    weston_desktop_surface_close(weston_surface_get_desktop_surface(top));
  else if (sscanf(line, "picture %255s", word) == 1)
    picture(top, word, black);
  fprintf(record, "done %s\n", line);
}

static int commanded(int fd, uint32_t mask, void* data) {
  static char line[512];
  static size_t size = 0;
  (void)mask, (void)data;
  char byte;
  while (read(fd, &byte, 1) == 1) {
    if (byte != '\n' && size < sizeof(line) - 1) {
      line[size++] = byte;
      continue;
    }
    line[size] = '\0';
    size = 0;
    obey(line);
  }
  return 0;
}

WL_EXPORT int wet_module_init(struct weston_compositor* of, int* argc, char* argv[]);
WL_EXPORT int wet_module_init(struct weston_compositor* of, int* argc, char* argv[]) {
  (void)argc, (void)argv;
  compositor = of;
  record = fopen(getenv("SEAT_LOG"), "a");
  const int commands = open(getenv("SEAT_COMMANDS"), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (record == NULL || commands < 0) return -1;
  setvbuf(record, NULL, _IOLBF, 0);
  wl_list_init(&windows);
  const char* layout = getenv("SEAT_KEYMAP");
  weston_seat_init(&seat, compositor, "test seat");
  weston_seat_init_pointer(&seat);
  weston_seat_init_keyboard(&seat, keymap_of(layout ? layout : "us"));
  struct wl_array none;
  wl_array_init(&none);
  notify_keyboard_focus_in(&seat, &none, STATE_UPDATE_AUTOMATIC);
  wl_signal_add(&compositor->create_surface_signal, &creation);
  wl_event_loop_add_fd(wl_display_get_event_loop(compositor->wl_display), commands,
                       WL_EVENT_READABLE, commanded, NULL);
  fprintf(record, "ready\n");
  return 0;
}
