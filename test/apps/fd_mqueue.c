// A POSIX message queue, which outlives the app: a go file with "unlink yes" has it removed.
#include <mqueue.h>

#include "fds.h"

int main(int argc, char** argv) {
  app_start(argc, argv);
  char name[64];
  snprintf(name, sizeof name, "/thaw-test-%s", strrchr(app_scratch, '/') + 1);
  struct mq_attr wanted = {.mq_maxmsg = 3, .mq_msgsize = 48};
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, &wanted);
  if (queue == (mqd_t)-1 && errno == ENOSYS) SKIP("this kernel has no message queues");
  NEED(queue);
  mqd_t reader = (mqd_t)NEED(mq_open(name, O_RDONLY));
  app_wait();

  struct mq_attr now;
  NEED(mq_getattr(queue, &now));
  CHECK_EQ("most messages", 3, now.mq_maxmsg);
  CHECK_EQ("O_NONBLOCK", O_NONBLOCK, now.mq_flags);
  NEED(mq_getattr(reader, &now));
  CHECK_EQ("O_NONBLOCK of the reader", 0, now.mq_flags);
  char text[48] = "";
  CHECK_EQ("a message of others", -1, mq_receive(queue, text, sizeof text, NULL));
  CHECK_EQ("its error", EAGAIN, errno);
  NEED(mq_send(queue, "second", 7, 1));
  NEED(mq_send(queue, "first", 6, 2));
  NEED(mq_receive(reader, text, sizeof text, NULL));
  CHECK_STR("message of the higher priority", "first", text);
  NEED(mq_receive(reader, text, sizeof text, NULL));
  CHECK_STR("message of the lower priority", "second", text);
  CHECK_EQ("write to the reader", -1, mq_send(reader, "x", 1, 0));
  if (app_expected("unlink") != NULL) NEED(mq_unlink(name));
  return 0;
}
