// Measures the time from exec of a server's command to its first correct answer, and drives one
// instance of the server.
//
//   first_answer --port N --send TEXT --expect TEXT [--own-network] [--timeout SECONDS]
//                [--log FILE] [--hold] -- COMMAND ARGS...
//
// It runs COMMAND, sends TEXT to 127.0.0.1:N until the answer contains the expected text, and
// prints one line of JSON:
//   {"pid": 1, "microseconds": 1, "answer": "...", "comm": "...", "resident_kb": 1,
//    "proportional_kb": 1, "private_kb": 1}
// "pid" is the process that was started, "comm" its name at the end, the sizes are from
// /proc/PID/smaps_rollup. With --hold the instance stays: each further line on standard input is a
// request, answered by a line {"answer": "..."}; the end of input ends the instance. TEXT and the
// requests may hold the escapes \r \n \t \\. A request must make the server close the connection
// after its answer (HTTP: "Connection: close"; redis: QUIT).
//
// The clock runs from just before fork() to the last byte of the expected text: the same for a cold
// start and for thaw-exec, with no helper process in between. With --own-network the instance and
// this client share a new network namespace, so any number of instances can use one port (an
// ordinary user needs user namespaces for it).
// Exit code: 0, or 1 with a message on standard error.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

enum { kAnswerLimit = 1 << 20, kRetryNanoseconds = 200 * 1000 };

struct Options {
  uint16_t port;
  char* send;
  char* expect;
  bool own_network;
  double timeout_seconds;
  const char* log;
  bool hold;
  char** command;
};

struct Answer {
  char text[kAnswerLimit + 1];
  size_t size;
  int64_t complete_at;  // when the expected text was whole, nanoseconds; 0: never
};

static pid_t child = 0;

static void end_instance(void) {
  if (child <= 0) return;
  kill(-child, SIGKILL);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  child = 0;
}

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char* format, ...) {
  va_list list;
  va_start(list, format);
  fputs("first_answer: ", stderr);
  vfprintf(stderr, format, list);
  fputc('\n', stderr);
  va_end(list);
  end_instance();
  exit(1);
}

// Replaces \r \n \t \\ in place.
static char* unescape(char* text) {
  char* out = text;
  for (const char* in = text; *in; in++) {
    if (*in != '\\' || in[1] == 0) {
      *out++ = *in;
      continue;
    }
    in++;
    *out++ = *in == 'r' ? '\r' : *in == 'n' ? '\n' : *in == 't' ? '\t' : *in;
  }
  *out = 0;
  return text;
}

static void print_json_text(const char* text, size_t size) {
  putchar('"');
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\') {
      printf("\\%c", c);
    } else if (c < 0x20 || c >= 0x7f) {
      printf("\\u%04x", c);
    } else {
      putchar(c);
    }
  }
  putchar('"');
}

static void write_file(const char* path, const char* text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) fail("%s: %s", path, strerror(errno));
  close(fd);
}

// Root makes a network namespace directly; an ordinary user needs a user namespace around it, in
// which it keeps its ids.
static void enter_own_network(void) {
  uid_t uid = getuid();
  gid_t gid = getgid();
  if (unshare(CLONE_NEWNET) != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) fail("unshare: %s", strerror(errno));
    char map[64];
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1", uid, uid);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%u %u 1", gid, gid);
    write_file("/proc/self/gid_map", map);
  }
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = {.ifr_name = "lo"};
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0) fail("loopback up: %s", strerror(errno));
  close(fd);
}

static void become_command(const struct Options* options, int null, int log) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(null, 0);
  dup2(log, 1);
  dup2(log, 2);
  execvp(options->command[0], options->command);
  dprintf(2, "first_answer: %s: %s\n", options->command[0], strerror(errno));
  _exit(127);
}

static void start_instance(const struct Options* options) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  int log = open(options->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (null < 0 || log < 0) fail("%s: %s", options->log, strerror(errno));
  child = fork();
  if (child < 0) fail("fork: %s", strerror(errno));
  if (child == 0) become_command(options, null, log);
  setpgid(child, child);
  close(null);
  close(log);
}

// One request on one connection. True if the answer holds the expected text; `answer` gets all that
// came either way.
static bool ask(const struct Options* options, const char* request, const char* expect,
                struct Answer* answer) {
  answer->size = 0;
  answer->complete_at = 0;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket: %s", strerror(errno));
  struct timeval limit = {.tv_sec = (time_t)options->timeout_seconds};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(options->port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  size_t length = strlen(request);
  if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0 ||
      send(fd, request, length, MSG_NOSIGNAL) != (ssize_t)length) {
    close(fd);
    return false;
  }
  for (;;) {
    ssize_t got = recv(fd, answer->text + answer->size, kAnswerLimit - answer->size, 0);
    if (got <= 0) break;
    answer->size += (size_t)got;
    answer->text[answer->size] = 0;
    if (!answer->complete_at && memmem(answer->text, answer->size, expect, strlen(expect))) {
      answer->complete_at = now_ns();
    }
  }
  close(fd);
  return answer->complete_at != 0;
}

// Asks until the answer is right: a server that is still loading may refuse connections, close
// them, or say so.
static int64_t wait_for_answer(const struct Options* options, int64_t started_at,
                               struct Answer* answer) {
  int64_t deadline = started_at + (int64_t)(options->timeout_seconds * 1e9);
  const struct timespec pause = {.tv_nsec = kRetryNanoseconds};
  while (!ask(options, options->send, options->expect, answer)) {
    int status;
    if (waitpid(child, &status, WNOHANG) == child) {
      child = 0;
      fail("the command ended (%s %d) before it answered; its output is in %s",
           WIFSIGNALED(status) ? "signal" : "exit code",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), options->log);
    }
    if (now_ns() > deadline) {
      fail("no right answer within %.0f s; last: %.*s", options->timeout_seconds, (int)answer->size,
           answer->text);
    }
    nanosleep(&pause, NULL);
  }
  return answer->complete_at - started_at;
}

struct Sizes {
  long resident, proportional, private_dirty, private_clean;  // kB
};

static struct Sizes read_sizes(void) {
  struct Sizes sizes = {0};
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", child);
  FILE* file = fopen(path, "re");
  if (!file) return sizes;
  while (fgets(line, sizeof line, file)) {
    sscanf(line, "Rss: %ld", &sizes.resident);
    sscanf(line, "Pss: %ld", &sizes.proportional);
    sscanf(line, "Private_Dirty: %ld", &sizes.private_dirty);
    sscanf(line, "Private_Clean: %ld", &sizes.private_clean);
  }
  fclose(file);
  return sizes;
}

/// Answers how long the name is; it is not ended by a NUL.
static size_t read_comm(char* comm, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/comm", child);
  FILE* file = fopen(path, "re");
  if (!file) return 0;
  const size_t length = fgets(comm, (int)size, file) ? strcspn(comm, "\n") : 0;
  fclose(file);
  return length;
}

static void print_first_answer(int64_t elapsed_ns, const struct Answer* answer) {
  char comm[64];
  const size_t comm_length = read_comm(comm, sizeof comm);
  struct Sizes sizes = read_sizes();
  printf("{\"pid\": %d, \"microseconds\": %lld, \"answer\": ", child,
         (long long)(elapsed_ns / 1000));
  print_json_text(answer->text, answer->size);
  printf(", \"comm\": ");
  print_json_text(comm, comm_length);
  printf(", \"resident_kb\": %ld, \"proportional_kb\": %ld, \"private_kb\": %ld}\n", sizes.resident,
         sizes.proportional, sizes.private_dirty + sizes.private_clean);
  fflush(stdout);
}

static void serve_requests(const struct Options* options, struct Answer* answer) {
  char* line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    line[strcspn(line, "\n")] = 0;
    ask(options, unescape(line), "", answer);
    printf("{\"answer\": ");
    print_json_text(answer->text, answer->size);
    printf("}\n");
    fflush(stdout);
  }
  free(line);
}

static struct Options read_options(int argc, char** argv) {
  static const struct option names[] = {
      {"port", required_argument, NULL, 'p'},    {"send", required_argument, NULL, 's'},
      {"expect", required_argument, NULL, 'e'},  {"own-network", no_argument, NULL, 'n'},
      {"timeout", required_argument, NULL, 't'}, {"log", required_argument, NULL, 'l'},
      {"hold", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
  };
  struct Options options = {.timeout_seconds = 60, .log = "/dev/null"};
  for (int c; (c = getopt_long(argc, argv, "+", names, NULL)) != -1;) {
    switch (c) {
      case 'p':
        options.port = (uint16_t)atoi(optarg);
        break;
      case 's':
        options.send = unescape(optarg);
        break;
      case 'e':
        options.expect = unescape(optarg);
        break;
      case 'n':
        options.own_network = true;
        break;
      case 't':
        options.timeout_seconds = atof(optarg);
        break;
      case 'l':
        options.log = optarg;
        break;
      case 'h':
        options.hold = true;
        break;
      default:
        exit(1);
    }
  }
  options.command = argv + optind;
  if (!options.port || !options.send || !options.expect || !options.command[0]) {
    fail("--port, --send, --expect and a command are needed");
  }
  return options;
}

int main(int argc, char** argv) {
  static struct Answer answer;
  struct Options options = read_options(argc, argv);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (options.own_network) enter_own_network();
  int64_t started_at = now_ns();
  start_instance(&options);
  prctl(PR_SET_TIMERSLACK, 1000UL);  // of this process only: the instance must keep the usual slack
  int64_t elapsed = wait_for_answer(&options, started_at, &answer);
  print_first_answer(elapsed, &answer);
  if (options.hold) serve_requests(&options, &answer);
  end_instance();
  return 0;
}
