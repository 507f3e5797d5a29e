// Listening unix sockets: by path, by abstract name; datagram sockets bound to a path.
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fds.h"

struct place {
  struct sockaddr_un address;
  socklen_t size;
};

static struct place at_path(const char* name) {
  struct place place = {.address.sun_family = AF_UNIX, .size = sizeof(struct sockaddr_un)};
  snprintf(place.address.sun_path, sizeof place.address.sun_path, "%s", app_path(name));
  return place;
}

static struct place abstract(void) {
  struct place place = {.address.sun_family = AF_UNIX};
  int length = snprintf(place.address.sun_path + 1, sizeof place.address.sun_path - 1,
                        "%s/abstract", app_scratch);
  place.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
  return place;
}

static int bind_at(int type, const struct place* place) {
  int fd = (int)NEED(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  NEED(bind(fd, (const struct sockaddr*)&place->address, place->size));
  return fd;
}

static void check_listener(int fd, int type, const struct place* place) {
  int client = (int)NEED(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  NEED(connect(client, (const struct sockaddr*)&place->address, place->size));
  int server = (int)NEED(accept(fd, NULL, NULL));
  fds_write(client, "question");
  fds_check_read("question", server, "question");
  struct place name = {.size = sizeof name.address};
  NEED(getsockname(fd, (struct sockaddr*)&name.address, &name.size));
  CHECK_EQ("name of the listener", 0, memcmp(name.address.sun_path, place->address.sun_path, 20));
  close(client);
  close(server);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  struct place path = at_path("stream.sock"), packets = at_path("packet.sock"),
               datagrams = at_path("dgram.sock");
  struct place name = abstract();
  int by_path = bind_at(SOCK_STREAM, &path), by_name = bind_at(SOCK_STREAM, &name);
  NEED(fchmod(by_path, 0600));
  NEED(chmod(path.address.sun_path, 0622));
  int by_packet = bind_at(SOCK_SEQPACKET, &packets), datagram = bind_at(SOCK_DGRAM, &datagrams);
  NEED(listen(by_path, 5));
  NEED(listen(by_name, 5));
  NEED(listen(by_packet, 5));
  // Bound, and connected to one that is bound.
  struct place sender_place = at_path("sender.sock");
  int named = bind_at(SOCK_DGRAM, &sender_place);
  NEED(connect(named, (struct sockaddr*)&datagrams.address, datagrams.size));
  app_wait();

  fds_write(named, "from a named sender");
  char text[32] = "";
  struct place from = {.size = sizeof from.address};
  NEED(recvfrom(datagram, text, sizeof text - 1, 0, (struct sockaddr*)&from.address, &from.size));
  CHECK_STR("datagram of a named sender", "from a named sender", text);
  CHECK_STR("its name", sender_place.address.sun_path, from.address.sun_path);
  from.size = sizeof from.address;
  NEED(getpeername(named, (struct sockaddr*)&from.address, &from.size));
  CHECK_STR("its peer", datagrams.address.sun_path, from.address.sun_path);
  check_listener(by_path, SOCK_STREAM, &path);
  check_listener(by_name, SOCK_STREAM, &name);
  check_listener(by_packet, SOCK_SEQPACKET, &packets);
  struct stat status;
  NEED(stat(path.address.sun_path, &status));
  CHECK_EQ("mode of the socket's path", 0622, status.st_mode & 0777);
  int sender = (int)NEED(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  NEED(sendto(sender, "datagram", 8, 0, (struct sockaddr*)&datagrams.address, datagrams.size));
  fds_check_read("datagram", datagram, "datagram");
  return 0;
}
