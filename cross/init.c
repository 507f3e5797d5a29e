// The first program of a guest: loads the modules of the initramfs, mounts the root image under a writable overlay, and
// hands over to /sbin/guest-init there. When that ends, or anything fails, the machine is switched off.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char* what, const char* name) {
  fprintf(stderr, "guest: %s %s: %s\n", what, name, strerror(errno));
  reboot(RB_POWER_OFF);
  pause();
}

static void mount_at(const char* source, const char* target, const char* type, unsigned long flags, const char* data) {
  mkdir(target, 0755);
  if (mount(source, target, type, flags, data) != 0) die("cannot mount", target);
}

/// Modules are named in the order in which they must be loaded.
static void load_modules(void) {
  struct dirent** names;
  const int count = scandir("/modules", &names, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    char path[300];
    snprintf(path, sizeof path, "/modules/%s", names[i]->d_name);
    if (names[i]->d_name[0] == '.') continue;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST)) fprintf(stderr, "guest: %s: %s\n", path, strerror(errno));
    close(fd);
  }
}

/// Name of the disk with this serial number, as the host gave it; disks may take a moment to appear.
static int find_disk(const char* serial, char* device, size_t size) {
  for (int attempt = 0; attempt < 200; attempt++) {
    for (char letter = 'a'; letter <= 'h'; letter++) {
      char path[64], text[32] = "";
      snprintf(path, sizeof path, "/sys/block/vd%c/serial", letter);
      const int fd = open(path, O_RDONLY | O_CLOEXEC);
      if (fd < 0) continue;
      if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
      close(fd);
      snprintf(device, size, "/dev/vd%c", letter);
      if (strcmp(text, serial) == 0) return 1;
    }
    usleep(10000);
  }
  return 0;
}

static void mount_root(const char* device) {
  static const char* const types[] = {"squashfs", "erofs", "ext4"};
  mkdir("/lower", 0755);
  size_t i = 0;
  while (i < 3 && mount(device, "/lower", types[i], MS_RDONLY, NULL) != 0) i++;
  if (i == 3) die("cannot mount the root image", device);
  mount_at("tmpfs", "/upper", "tmpfs", 0, "size=75%");
  mkdir("/upper/data", 0755);
  mkdir("/upper/work", 0755);
  mount_at("overlay", "/new", "overlay", 0, "lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work");
}

static void enter_root(void) {
  mount_at("devtmpfs", "/new/dev", "devtmpfs", 0, NULL);
  mount_at("proc", "/new/proc", "proc", 0, NULL);
  mount_at("sysfs", "/new/sys", "sysfs", 0, NULL);
  // As switch_root does: /proc/PID/root and overmounts must look as on a device.
  if (chdir("/new") != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 || chdir("/") != 0) die("cannot enter", "/new");
}

static void run(const char* program) {
  const pid_t pid = fork();
  if (pid == 0) {
    setsid();
    execl(program, program, (char*)NULL);
    die("cannot execute", program);
  }
  int status = 0;
  pid_t ended;
  do ended = wait(&status);
  while (ended != pid && (ended > 0 || errno == EINTR));
}

int main(void) {
  mount_at("devtmpfs", "/dev", "devtmpfs", 0, NULL);
  const int console = open("/dev/console", O_RDWR);
  for (int fd = 0; fd < 3 && console >= 0; fd++) dup2(console, fd);
  mount_at("sysfs", "/sys", "sysfs", 0, NULL);
  load_modules();
  char device[16];
  if (!find_disk("root", device, sizeof device)) die("no disk called", "root");
  mount_root(device);
  enter_root();
  setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
  setenv("HOME", "/root", 1);
  run("/sbin/guest-init");
  sync();
  reboot(RB_POWER_OFF);
  return 0;
}
