// A thread that connects while the main thread sends it signals: what it sees of a call that it was
// held at. Usage: held_call SOCKET; a name that begins with '@' is abstract.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static atomic_int handled;
static atomic_bool connecting, connected;

static void on_signal(int number) {
  (void)number;
  atomic_fetch_add(&handled, 1);
}

static void* connect_to(void* name) {
  sigset_t own, after;
  sigemptyset(&own);
  sigaddset(&own, SIGUSR1);
  pthread_sigmask(SIG_SETMASK, &own, NULL);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, name, sizeof address.sun_path - 1);
  socklen_t size = offsetof(struct sockaddr_un, sun_path) + strlen(name);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  int buffer = 40000;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  atomic_store(&connecting, true);
  int result = connect(fd, (struct sockaddr*)&address, size);
  int error = result == 0 ? 0 : errno;
  char text[100] = "nothing";
  if (result == 0) text[read(fd, text, sizeof text - 1)] = '\0';
  socklen_t length = sizeof buffer;
  getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, &length);
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  bool same = true;
  for (int number = 1; number < 32; number++)
    same = same && sigismember(&own, number) == sigismember(&after, number);
  printf("error %d, read %s, buffer %d, mask %s, fd flags %d\n", error, text, buffer,
         same ? "same" : "other", fcntl(fd, F_GETFD));
  atomic_store(&connected, true);
  return NULL;
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  setvbuf(stdout, NULL, _IONBF, 0);
  puts("cold");
  struct sigaction action = {.sa_handler = on_signal};  // Without SA_RESTART.
  sigaction(SIGUSR2, &action, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, connect_to, argv[1]);
  while (!atomic_load(&connecting)) usleep(1000);
  while (!atomic_load(&connected)) {
    usleep(20000);
    if (!atomic_load(&connected)) pthread_kill(thread, SIGUSR2);
  }
  pthread_join(thread, NULL);
  printf("handled %s\n", atomic_load(&handled) > 0 ? "some" : "none");
  return 0;
}
