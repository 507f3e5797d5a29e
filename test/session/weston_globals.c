// A module of weston: more globals, in the order of $GLOBALS ("NAME NAME ..."), of which nothing can be made but, of
// zwp_linux_dmabuf_v1, parameters of buffers.
#include <libweston/libweston.h>
#include <stdlib.h>
#include <string.h>
#include <weston.h>

#include "dmabuf.h"

enum { kMost = 8 };

static void destroy(struct wl_client* client, struct wl_resource* resource) {
  (void)client;
  wl_resource_destroy(resource);
}
static void create_params(struct wl_client* client, struct wl_resource* resource, uint32_t id) {
  (void)resource;
  wl_resource_create(client, &params_interface, 3, id);
}
static const struct {
  void (*destroy)(struct wl_client*, struct wl_resource*);
  void (*create_params)(struct wl_client*, struct wl_resource*, uint32_t);
} implementation = {destroy, create_params};

static void bound(struct wl_client* client, void* data, uint32_t version, uint32_t id) {
  const struct wl_interface* interface = data;
  struct wl_resource* resource = wl_resource_create(client, interface, (int)version, id);
  if (interface->method_count == 0) return;
  wl_resource_set_implementation(resource, &implementation, NULL, NULL);
  for (uint32_t format = 1; format <= 3; ++format) wl_resource_post_event(resource, 0, format);
}

WL_EXPORT int wet_module_init(struct weston_compositor* of, int* argc, char* argv[]);
WL_EXPORT int wet_module_init(struct weston_compositor* of, int* argc, char* argv[]) {
  (void)argc, (void)argv;
  static struct wl_interface interfaces[kMost];
  char* names = strdup(getenv("GLOBALS"));
  int count = 0;
  for (char* name = strtok(names, " "); name != NULL && count < kMost; name = strtok(NULL, " ")) {
    struct wl_interface* interface = &interfaces[count++];
    *interface = (struct wl_interface){.name = name, .version = 3};
    if (strcmp(name, "zwp_linux_dmabuf_v1") == 0)
      *interface = (struct wl_interface){name, 3, 2, requests, 2, events};
    if (wl_global_create(of->wl_display, interface, 3, interface, bound) == NULL) return -1;
  }
  return 0;
}
