// System V shared memory: removed while it is attached (default), or with a key (KEY in hexadecimal
// as first argument), which each launch finds again under the same id.
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include "harness.h"

/// One segment, attached for reading and writing, and once more for reading.
struct segment {
  size_t size;  ///< no whole pages
  int id;
  char *writable, *readable;
};

static struct segment make(key_t key, size_t page) {
  struct segment made = {.size = 5 * page + 100};
  made.id = (int)NEED(shmget(key, made.size, IPC_CREAT | IPC_EXCL | 0640));
  made.writable = NEED_MAP(shmat(made.id, NULL, 0));
  made.readable = NEED_MAP(shmat(made.id, NULL, SHM_RDONLY));
  app_fill(made.writable, 2 * page, 71);  // A hole follows.
  app_fill(made.writable + 4 * page, page, 72);
  memcpy(made.writable + 5 * page, "the end", 8);
  NEED(mprotect(made.writable + 4 * page, page, PROT_READ));
  return made;
}

static void check_bytes(const struct segment* held, size_t page) {
  app_check_fill("start of the segment", held->readable, 2 * page, 71);
  app_check_zero("hole of the segment", held->readable + 2 * page, 2 * page);
  app_check_fill("page that is read-only", held->writable + 4 * page, page, 72);
  CHECK_STR("the end of the segment", "the end", held->readable + 5 * page);
}

static void check_sharing(const struct segment* held, size_t page) {
  app_fill(held->writable + page, page, 73);
  app_check_fill("what the other mapping shows", held->readable + page, page, 73);
  CHECK_EQ("mapping for reading made writable", -1,
           mprotect(held->readable, page, PROT_READ | PROT_WRITE));
  NEED(mprotect(held->writable + 4 * page, page, PROT_READ | PROT_WRITE));
  pid_t child = (pid_t)NEED(fork());
  if (child == 0) {
    app_fill(held->writable, 4 * page, 74);
    _exit(0);
  }
  int status;
  NEED(waitpid(child, &status, 0));
  CHECK_EQ("status of the child", 0, status);
  app_check_fill("what a child wrote", held->readable, 4 * page, 74);
}

/// By the id that the app has kept.
static void check_key(const struct segment* held, key_t key) {
  CHECK_EQ("id of the key", held->id, shmget(key, 0, 0));
  struct shmid_ds status;
  NEED(shmctl(held->id, IPC_STAT, &status));
  CHECK_EQ("size", held->size, status.shm_segsz);
  CHECK_EQ("permissions", 0640, status.shm_perm.mode & 0777);
  // Half of it was made read-only and writable again: the kernel counts three.
  CHECK(status.shm_nattch >= 2);
  char* third = NEED_MAP(shmat(held->id, NULL, 0));
  CHECK_EQ("byte of a third mapping", held->readable[0], third[0]);
  NEED(shmdt(third));
}

int main(int argc, char** argv) {
  app_start(argc, argv);
  size_t page = app_page();
  key_t key = argc > 4 ? (key_t)strtoul(argv[4], NULL, 16) : IPC_PRIVATE;
  struct segment held = make(key, page);
  if (key == IPC_PRIVATE) NEED(shmctl(held.id, IPC_RMID, NULL));
  struct segment other = make(IPC_PRIVATE, page);
  NEED(shmctl(other.id, IPC_RMID, NULL));
  NEED(shmdt(other.readable));
  app_wait();

  check_bytes(&held, page);
  check_sharing(&held, page);
  if (key != IPC_PRIVATE) check_key(&held, key);
  CHECK_STR("the end of another segment", "the end", other.writable + 5 * page);
  NEED(shmdt(other.writable));
  NEED(shmdt(held.readable));
  NEED(shmdt(held.writable));
  if (key == IPC_PRIVATE) return 0;
  struct shmid_ds status;
  NEED(shmctl(held.id, IPC_STAT, &status));
  CHECK_EQ("mappings that are left", 0, status.shm_nattch);
  NEED(shmctl(held.id, IPC_RMID, NULL));
  return 0;
}
