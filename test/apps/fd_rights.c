// Messages that wait in unix sockets with descriptors (SCM_RIGHTS), which nothing else may hold, and
// with the credentials of their sender (SCM_CREDENTIALS).
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "rights.h"

enum { kLarge = 30000 };

static int stream[2], glued[2], large[2], datagram[2], packet[2], gone[2], many[2];
static int outer[2], inner[2], self[2], ring[2], other_ring[2], senders[2], streamed[2];
static int full[2];
static size_t full_bytes;
static int kept, nested_writer, watch, watched_writer;

static void make(int type, int pair[2]) {
  NEED(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair));
}

/// A pipe whose reading end goes with `text` and nowhere else; its writing end.
static int give_pipe(int to, const char* text, const char* in_pipe) {
  int ends[2];
  NEED(pipe2(ends, O_CLOEXEC));
  fds_write(ends[1], in_pipe);
  rights_give(to, text, ends[0]);
  return ends[1];
}

static int memory_of(const char* text) {
  int memory = (int)NEED(memfd_create("in flight", MFD_CLOEXEC));
  fds_write(memory, text);
  NEED(lseek(memory, 2, SEEK_SET));
  return memory;
}

/// Plain bytes before and behind, and one description in two messages and in a descriptor.
static void hold_streams(void) {
  make(SOCK_STREAM, stream);
  kept = fds_open_file("kept", "content");
  NEED(lseek(kept, 3, SEEK_SET));
  fds_write(stream[0], "abc");
  rights_send(stream[0], "x", 1, &kept, 1);
  fds_write(stream[0], "yz");
  rights_send(stream[0], "twice", 5, (int[]){kept, 1}, 2);

  make(SOCK_STREAM, glued);
  fds_write(glued[0], "plain ");
  rights_give(glued[0], "carrying", memory_of("memory"));
  fds_write(glued[0], "behind");

  make(SOCK_STREAM, large);
  char* bytes = NEED_MAP(malloc(kLarge));
  memset(bytes, 'l', kLarge);
  fds_write(large[0], "before");
  int event = (int)NEED(eventfd(7, EFD_CLOEXEC | EFD_NONBLOCK));
  rights_send(large[0], bytes, kLarge, &event, 1);
  fds_write(large[0], "behind");
  free(bytes);
  close(event);
}

static void check_streams(void) {
  rights_expect("bytes before those with a descriptor", stream[1], 3, "abc", 0);
  int first = rights_expect("byte with a descriptor", stream[1], 100, "x", 1);
  rights_expect("bytes behind it", stream[1], 2, "yz", 0);
  char bytes[kLarge + 100];
  struct rights twice = rights_receive(stream[1], bytes, sizeof bytes);
  CHECK_EQ("descriptors of the last", 2, twice.count);
  CHECK_EQ("position of what is held and sent", 3, NEED(lseek(first, 0, SEEK_CUR)));
  NEED(lseek(twice.fds[0], 5, SEEK_SET));
  CHECK_EQ("position by another descriptor", 5, NEED(lseek(kept, 0, SEEK_CUR)));
  fds_check_read("content", first, "nt");
  struct stat standard, sent;
  NEED(fstat(1, &standard));
  NEED(fstat(twice.fds[1], &sent));
  CHECK_EQ("inode of the caller's descriptor", standard.st_ino, sent.st_ino);

  int memory = rights_expect("all up to the descriptor", glued[1], 100, "plain carrying", 1);
  fds_check_read("memory in flight", memory, "mory");
  rights_expect("what is behind it", glued[1], 100, "behind", 0);

  rights_expect("bytes before many", large[1], 6, "before", 0);
  struct rights whole = rights_receive(large[1], bytes, sizeof bytes);
  CHECK_EQ("bytes in one piece", kLarge, whole.size);
  CHECK_EQ("their descriptors", 1, whole.count);
  eventfd_t value;
  NEED(eventfd_read(whole.fds[0], &value));
  CHECK_EQ("eventfd in flight", 7, value);
  rights_expect("bytes behind many", large[1], 100, "behind", 0);
}

static void hold_messages(void) {
  make(SOCK_DGRAM, datagram);
  fds_write(datagram[0], "first");
  rights_give(datagram[0], "second", memory_of("memory"));
  rights_give(datagram[0], "", memory_of("of an empty one"));
  fds_write(datagram[0], "last");
  make(SOCK_SEQPACKET, packet);
  close(give_pipe(packet[0], "a pipe", "in the pipe"));
  fds_write(packet[0], "plain");
  make(SOCK_STREAM, gone);
  rights_give(gone[0], "legacy", memory_of("of one that is gone"));
  close(gone[0]);
  make(SOCK_DGRAM, many);
  int fds[kMostRights];
  for (int i = 0; i < kMostRights; i++) fds[i] = kept;
  rights_send(many[0], "many", 4, fds, kMostRights);
}

static void check_messages(void) {
  rights_expect("first datagram", datagram[1], 100, "first", 0);
  int memory = rights_expect("second datagram", datagram[1], 100, "second", 1);
  fds_check_read("memory in a datagram", memory, "mory");
  memory = rights_expect("empty datagram", datagram[1], 100, "", 1);
  fds_check_read("memory in an empty one", memory, " an empty one");
  rights_expect("last datagram", datagram[1], 100, "last", 0);
  fds_check_empty("datagrams", datagram[1]);
  int reader = rights_expect("packet", packet[1], 100, "a pipe", 1);
  fds_check_read("pipe in flight", reader, "in the pipe");
  fds_check_read("its end", reader, "");
  rights_expect("plain packet", packet[1], 100, "plain", 0);
  memory = rights_expect("words of a peer that is gone", gone[1], 100, "legacy", 1);
  fds_check_read("its memory", memory, " one that is gone");
  fds_check_read("its end", gone[1], "");
  int one = rights_expect("many descriptors", many[1], 100, "many", kMostRights);
  CHECK_EQ("position of one of them", lseek(kept, 0, SEEK_CUR), NEED(lseek(one, 0, SEEK_CUR)));
}

/// A socket in the queue of another, with a message in its own; one in its own queue; two in each other's.
static void hold_nested(void) {
  make(SOCK_STREAM, outer);
  make(SOCK_SEQPACKET, inner);
  nested_writer = give_pipe(inner[0], "inner", "innermost");
  rights_give(outer[0], "outer", inner[1]);

  make(SOCK_STREAM, self);
  rights_send(self[0], "self", 4, &self[1], 1);

  make(SOCK_STREAM, ring);
  make(SOCK_DGRAM, other_ring);
  rights_send(other_ring[0], "to the ring", 11, &ring[1], 1);
  rights_give(ring[0], "round", other_ring[1]);
}

static void check_nested(void) {
  int found = rights_expect("outer message", outer[1], 100, "outer", 1);
  int reader = rights_expect("inner message", found, 100, "inner", 1);
  fds_write(nested_writer, ", and more");
  fds_check_read("pipe within", reader, "innermost, and more");
  fds_write(found, "back");
  fds_check_read("the other way", inner[0], "back");

  int own = rights_expect("message with its own socket", self[1], 100, "self", 1);
  fds_write(self[0], "after");
  fds_check_read("the socket by its copy", own, "after");

  found = rights_expect("round message", ring[1], 100, "round", 1);
  int back = rights_expect("message in it", found, 100, "to the ring", 1);
  fds_write(ring[0], "closed");
  fds_check_read("the ring", back, "closed");
  fds_write(other_ring[0], "other");
  fds_check_read("the other ring", found, "other");
}

static void ask_for_senders(int fd) {
  NEED(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)));
}

static void hold_senders(void) {
  make(SOCK_SEQPACKET, senders);
  fds_write(senders[0], "not asked");
  ask_for_senders(senders[1]);
  fds_write(senders[0], "asked");
  rights_give(senders[0], "and carrying", memory_of("with a sender"));
  make(SOCK_STREAM, streamed);
  fds_write(streamed[0], "not asked");
  ask_for_senders(streamed[1]);
  fds_write(streamed[0], "asked");
}

static void check_senders(void) {
  rights_expect_sender("sender of which nobody asked", senders[1], 100, "not asked", 0);
  rights_expect_sender("sender", senders[1], 100, "asked", getpid());
  char bytes[100] = "";
  struct rights both = rights_receive(senders[1], bytes, sizeof bytes);
  CHECK_STR("message with both", "and carrying", bytes);
  CHECK_EQ("its sender", getpid(), both.sender.pid);
  CHECK_EQ("its descriptors", 1, both.count);
  fds_check_read("its memory", both.fds[0], "th a sender");
  rights_expect_sender("of a stream, not asked", streamed[1], 100, "not asked", 0);
  rights_expect_sender("of a stream", streamed[1], 99, "asked", getpid());
}

/// A sender that can send no more, by small messages that tell of it; one in the middle carries a descriptor.
static void hold_full(void) {
  make(SOCK_STREAM | SOCK_NONBLOCK, full);
  ask_for_senders(full[1]);
  char block[1000];
  memset(block, 'f', sizeof block);
  ssize_t size;
  while ((size = write(full[0], block, sizeof block)) > 0) {
    full_bytes += (size_t)size;
    if (full_bytes != 10 * sizeof block) continue;
    rights_send(full[0], "!", 1, &kept, 1);
    full_bytes++;
  }
}

static void check_full(void) {
  char block[1000] = "";
  int carried = 0;
  CHECK_EQ("write to a full socket", -1, write(full[0], block, sizeof block));
  for (size_t got = 0; got < full_bytes;) {
    struct rights part = rights_receive(full[1], block, sizeof block);
    CHECK_EQ("sender of each part", getpid(), part.sender.pid);
    got += (size_t)part.size;
    if (part.count == 0) continue;
    carried += part.count;
    CHECK_EQ("bytes up to the descriptor", 10 * sizeof block + 1, got);
    CHECK_EQ("last byte that is read with it", '!', block[part.size - 1]);
  }
  CHECK_EQ("descriptors among them", 1, carried);
  fds_check_empty("what was full", full[1]);
}

static struct sockaddr_un listening_at(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  CHECK((size_t)snprintf(address.sun_path, sizeof address.sun_path, "%s", app_path("flying")) <
        sizeof address.sun_path);
  return address;
}

/// A listening socket and an epoll in flight; what an epoll watches is in flight.
static void hold_others(void) {
  struct sockaddr_un address = listening_at();
  unlink(address.sun_path);
  int listener = (int)NEED(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(bind(listener, (struct sockaddr*)&address, sizeof address));
  NEED(listen(listener, 5));
  rights_give(packet[0], "listener", listener);
  watch = (int)NEED(epoll_create1(EPOLL_CLOEXEC));
  int ends[2];
  NEED(pipe2(ends, O_CLOEXEC));
  struct epoll_event event = {.events = EPOLLIN, .data = {.u64 = 0x123456789abcdef}};
  NEED(epoll_ctl(watch, EPOLL_CTL_ADD, ends[0], &event));
  rights_give(packet[0], "watched", ends[0]);
  watched_writer = ends[1];
  int inner_watch = (int)NEED(epoll_create1(EPOLL_CLOEXEC));
  event.data.u64 = 5;
  NEED(epoll_ctl(inner_watch, EPOLL_CTL_ADD, watched_writer, &event));
  rights_give(packet[0], "epoll", inner_watch);
}

static void check_others(void) {
  int listener = rights_expect("message with a listener", packet[1], 100, "listener", 1);
  struct sockaddr_un address = listening_at();
  int client = (int)NEED(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  NEED(connect(client, (struct sockaddr*)&address, sizeof address));
  int server = (int)NEED(accept(listener, NULL, NULL));
  fds_write(client, "connected");
  fds_check_read("connection", server, "connected");
  struct epoll_event event;
  CHECK_EQ("nothing yet", 0, NEED(epoll_wait(watch, &event, 1, 0)));
  fds_write(watched_writer, "ready");
  CHECK_EQ("what is in flight is ready", 1, NEED(epoll_wait(watch, &event, 1, 0)));
  CHECK_EQ("its data", 0x123456789abcdef, event.data.u64);
  int watched = rights_expect("what is watched", packet[1], 100, "watched", 1);
  fds_check_read("by its descriptor", watched, "ready");
  int inner_watch = rights_expect("an epoll", packet[1], 100, "epoll", 1);
  close(watched);
  CHECK_EQ("events of an epoll in flight", 1, NEED(epoll_wait(inner_watch, &event, 1, 0)));
  CHECK_EQ("their data", 5, event.data.u64);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  hold_streams();
  hold_messages();
  hold_nested();
  hold_senders();
  hold_others();
  hold_full();
  app_wait();
  check_streams();
  check_messages();
  check_nested();
  check_senders();
  check_others();
  check_full();
  return 0;
}
