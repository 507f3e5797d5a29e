// POSIX shared memory and a named semaphore: those of the system (argv[4] is their name), and others
// that were unlinked while they were in use, which are the app's own.
#include <semaphore.h>
#include <sys/wait.h>

#include "harness.h"

static char* map_memory(const char* name, size_t size) {
  int fd = (int)NEED(shm_open(name, O_RDWR | O_CREAT, 0600));
  NEED(ftruncate(fd, (off_t)size));
  char* memory = NEED_MAP(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  close(fd);
  return memory;
}

static sem_t* open_semaphore(const char* name, unsigned value) {
  sem_t* semaphore = sem_open(name, O_CREAT, 0600, value);
  CHECK(semaphore != SEM_FAILED);
  return semaphore;
}

static int value_of(sem_t* semaphore) {
  int value;
  NEED(sem_getvalue(semaphore, &value));
  return value;
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  CHECK(argc > 4);
  char own[64];
  snprintf(own, sizeof own, "%s-own", argv[4]);
  size_t page = app_page();
  char* memory = map_memory(argv[4], 2 * page);
  sem_t* semaphore = open_semaphore(argv[4], 1);
  app_fill(memory, page, 51);
  char* own_memory = map_memory(own, 2 * page);
  sem_t* own_semaphore = open_semaphore(own, 3);
  NEED(shm_unlink(own));
  NEED(sem_unlink(own));
  app_fill(own_memory, page, 52);
  app_wait();

  // What others have done to it meanwhile.
  app_check_fill("memory of the system", memory, page, 51);
  const char* count = app_expected("count");
  CHECK_EQ("value of the semaphore", count == NULL ? 1 : atoi(count), value_of(semaphore));
  NEED(sem_post(semaphore));
  sem_t* other = sem_open(argv[4], 0);
  CHECK(other != SEM_FAILED);
  CHECK_EQ("value by its name", value_of(semaphore), value_of(other));

  app_check_fill("memory of its own", own_memory, page, 52);
  CHECK_EQ("value of its own semaphore", 3, value_of(own_semaphore));
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    app_fill(own_memory, page, 53);
    sem_post(own_semaphore);
    _exit(0);
  }
  int status;
  NEED(waitpid(child, &status, 0));
  CHECK_EQ("value that a child has changed", 4, value_of(own_semaphore));
  app_check_fill("memory that a child has written", own_memory, page, 53);
  return 0;
}
