// What a test has of zwp_linux_dmabuf_v1, version 3: parameters of buffers can be made, and formats are told.
#pragma once

#include <stddef.h>
#include <wayland-util.h>

static const struct wl_interface params_interface = {
    "zwp_linux_buffer_params_v1", 3, 0, NULL, 0, NULL};
static const struct wl_interface* params_types[] = {&params_interface};
static const struct wl_interface* numbers[] = {NULL, NULL, NULL};
static const struct wl_message requests[] = {{"destroy", "", NULL},
                                             {"create_params", "n", params_types}};
static const struct wl_message events[] = {{"format", "u", numbers}, {"modifier", "3uuu", numbers}};
