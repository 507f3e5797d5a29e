// A System V message queue under a key (the first argument, in hexadecimal, and the user's id), and a thread that waits for
// a message. With "remove" it goes at the end, and each launch has to make it again; with "tell" it says so as well.
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "harness.h"
#include "ipc_key.h"

struct message {
  long type;
  char text[8];
};

static int id;
static struct message got;

static void* receive(void* unused) {
  (void)unused;
  ssize_t size;
  while ((size = msgrcv(id, &got, sizeof got.text, 2, 0)) == -1 && errno == EINTR) {
  }
  CHECK_EQ("size of the message", sizeof got.text, NEED(size));
  return NULL;
}

static void send(long type, const char* text) {
  struct message message = {.type = type};
  snprintf(message.text, sizeof message.text, "%s", text);
  NEED(msgsnd(id, &message, sizeof message.text, 0));
}

/// A cold start that finds what a launch has left: it ends with an error.
static void tell_cold(key_t key) {
  const int made = (int)NEED(msgget(key, IPC_CREAT | IPC_EXCL | 0620));
  NEED(msgctl(made, IPC_RMID, NULL));
  NEED(write(1, "cold\n", 5));
  _exit(0);
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  const key_t key = ipc_key(argc, argv);
  const bool removes = argc > 5, tells = removes && strcmp(argv[5], "tell") == 0;
  if (tells && app_may_go()) tell_cold(key);
  const int old = msgget(key, 0);
  if (old != -1) NEED(msgctl(old, IPC_RMID, NULL));
  id = (int)NEED(msgget(key, IPC_CREAT | IPC_EXCL | 0620));
  struct msqid_ds status;
  NEED(msgctl(id, IPC_STAT, &status));
  status.msg_qbytes = 4096;
  NEED(msgctl(id, IPC_SET, &status));
  send(1, "before");
  NEED(msgrcv(id, &got, sizeof got.text, 1, 0));
  pthread_t receiver;
  NEED0(pthread_create(&receiver, NULL, receive, NULL));
  app_wait();

  CHECK_EQ("id of the key", id, msgget(key, 0));
  NEED(msgctl(id, IPC_STAT, &status));
  CHECK_EQ("messages", 0, status.msg_qnum);
  CHECK_EQ("room", 4096, status.msg_qbytes);
  CHECK_EQ("permissions", 0620, status.msg_perm.mode & 0777);
  send(2, "after");
  NEED0(pthread_join(receiver, NULL));
  CHECK_STR("message", "after", got.text);
  if (tells) NEED(write(1, "warm\n", 5));
  if (removes) NEED(msgctl(id, IPC_RMID, NULL));
  return 0;
}
