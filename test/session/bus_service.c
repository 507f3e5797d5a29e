// A service on the session bus, with sd-bus: counts, and tells by which name the bus knows it.
#include <stdint.h>
#include <stdio.h>
#include <systemd/sd-bus.h>

static int count;

static int next_number(sd_bus_message* message, void* data, sd_bus_error* error) {
  (void)data, (void)error;
  return sd_bus_reply_method_return(message, "i", ++count);
}

static int own_name(sd_bus_message* message, void* data, sd_bus_error* error) {
  (void)data, (void)error;
  const char* name = NULL;
  sd_bus_get_unique_name(sd_bus_message_get_bus(message), &name);
  return sd_bus_reply_method_return(message, "s", name);
}

static const sd_bus_vtable table[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Next", "", "i", next_number, 0),
    SD_BUS_METHOD("Me", "", "s", own_name, 0),
    SD_BUS_VTABLE_END,
};

int main(void) {
  sd_bus* bus = NULL;
  if (sd_bus_open_user(&bus) < 0) return 1;
  if (sd_bus_add_object_vtable(bus, NULL, "/org/example/Counter", "org.example.Counter", table,
                               NULL) < 0)
    return 2;
  if (sd_bus_request_name(bus, "org.example.Counter", 0) < 0) return 3;
  puts("up");
  fflush(stdout);
  for (;;) {
    const int handled = sd_bus_process(bus, NULL);
    if (handled < 0) return 4;
    if (handled == 0 && sd_bus_wait(bus, UINT64_MAX) < 0) return 5;
  }
}
