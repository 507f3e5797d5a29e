// The first program of a guest: loads the modules of the initramfs, mounts the root image under a writable overlay (in
// memory, or on the disk `changes`), and hands over to /sbin/guest-init there; or, for a root that is a device's own, to
// that of the disk `tools`, mounted on /run/guest/tools. When that ends, or anything fails, the machine is switched off.
// With thaw.init=PROGRAM on the kernel's command line, it becomes that program, which starts guest-init itself.
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

#define TOOLS "/run/guest/tools"

static void die(const char* what, const char* name) {
  fprintf(stderr, "guest: %s %s: %s\n", what, name, strerror(errno));
  reboot(RB_POWER_OFF);
  pause();
}

static void mount_at(const char* source, const char* target, const char* type, unsigned long flags,
                     const char* data) {
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
    if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST))
      fprintf(stderr, "guest: %s: %s\n", path, strerror(errno));
    close(fd);
  }
}

/// Name of the disk with this serial number, as the host gave it; disks may take a moment to appear.
static int find_disk(const char* serial, int attempts, char* device, size_t size) {
  for (int attempt = 0; attempt < attempts; attempt++) {
    if (attempt != 0) usleep(10000);
    for (int letter = 'a'; letter <= 'h'; letter++) {
      char path[64], text[32] = "";
      snprintf(path, sizeof path, "/sys/block/vd%c/serial", letter);
      const int fd = open(path, O_RDONLY | O_CLOEXEC);
      if (fd < 0) continue;
      if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
      close(fd);
      snprintf(device, size, "/dev/vd%c", letter);
      if (strcmp(text, serial) == 0) return 1;
    }
  }
  return 0;
}

static void mount_image(const char* what, const char* device, const char* target) {
  static const char* const types[] = {"squashfs", "erofs", "ext4"};
  mkdir(target, 0755);
  size_t i = 0;
  while (i < 3 && mount(device, target, types[i], MS_RDONLY, NULL) != 0) i++;
  if (i == 3) die("the kernel cannot mount (as squashfs, erofs or ext4) the image of the", what);
}

/// What is changed in the root lies in memory, or on a disk that keeps it for the next boot.
static void mount_upper(void) {
  char device[16];
  if (find_disk("changes", 1, device, sizeof device))
    mount_at(device, "/upper", "ext4", 0, NULL);
  else
    mount_at("tmpfs", "/upper", "tmpfs", 0, "size=75%");
}

static void mount_root(const char* device) {
  mount_image("root", device, "/lower");
  mount_upper();
  mkdir("/upper/data", 0755);
  mkdir("/upper/work", 0755);
  mount_at("overlay", "/new", "overlay", 0,
           "lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work");
}

/// Their folder lies in memory, so that a root without /run is not in the way.
static void mount_tools(const char* device) {
  mount_at("tmpfs", "/new/run", "tmpfs", 0, "mode=755");
  mkdir("/new/run/guest", 0755);
  mount_image("tools", device, "/new" TOOLS);
}

static void enter_root(void) {
  mount_at("devtmpfs", "/new/dev", "devtmpfs", 0, NULL);
  mount_at("proc", "/new/proc", "proc", 0, NULL);
  mount_at("sysfs", "/new/sys", "sysfs", 0, NULL);
  // As switch_root does: /proc/PID/root and overmounts must look as on a device.
  if (chdir("/new") != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0 ||
      chdir("/") != 0)
    die("cannot enter", "/new");
}

/// Becomes the program that the kernel's command line names, if it names one: pid 1 stays pid 1.
static void become_init(void) {
  static char line[4096];
  const int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, line, sizeof line - 1) < 0) die("cannot read", "/proc/cmdline");
  close(fd);
  char* program = strstr(line, "thaw.init=");
  if (program == NULL) return;
  program = strtok(program + strlen("thaw.init="), " \n");
  char* const command[] = {program, NULL};
  execv(program, command);
  die("cannot execute", program);
}

static void run(char* const command[]) {
  const pid_t pid = fork();
  if (pid == 0) {
    setsid();
    execv(command[0], command);
    die("cannot execute", command[0]);
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
  if (!find_disk("root", 200, device, sizeof device)) die("no disk called", "root");
  mount_root(device);
  const int with_tools = find_disk("tools", 1, device, sizeof device);
  if (with_tools) mount_tools(device);
  enter_root();
  setenv("PATH",
         with_tools ? TOOLS "/bin" : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
         1);
  become_init();
  setenv("HOME", "/root", 1);
  char* const own[] = {"/sbin/guest-init", NULL};
  char* const brought[] = {TOOLS "/bin/busybox", "sh", TOOLS "/bin/guest-init", NULL};
  run(with_tools ? brought : own);
  sync();
  reboot(RB_POWER_OFF);
  return 0;
}
